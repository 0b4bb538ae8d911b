import { HookboxError } from '@hookbox/protocol'
import type { Hub } from '../hub/hub.ts'
import { type Method, method, rest } from './fields.ts'

/** Changes the configuration at once; undefined where the configuration does not allow it. */
export type SetConfig = ((changes: { readonly [key: string]: unknown }) => Promise<void>) | undefined

/** What an application may ask about the hub itself (contract: REST). */
export function serverMethods(hub: Hub, version: string, setConfig: SetConfig): { readonly [name: string]: Method } {
  return {
    get_server_info: method({}, async () => ({
      ...(await hub.application.info()),
      webhooks_given_up: hub.givenUp,
      node: hub.id,
      nodes: await hub.nodes.names(),
      version,
    })),

    set_config: method({ changes: rest() }, async (f) => {
      if (!setConfig) throw new HookboxError('disabled', 'set_config is off; the flag --allow-set-config allows it')
      await setConfig(f.changes)
      return {}
    }),
  }
}
