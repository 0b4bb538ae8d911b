import type { Hub } from '../hub/hub.ts'
import { type Method, method } from './fields.ts'

/** What an application may ask about the hub itself (contract: REST). */
export function serverMethods(hub: Hub, version: string): { readonly [name: string]: Method } {
  return {
    get_server_info: method({}, async () => ({ ...hub.info(), node: hub.id, version })),
  }
}
