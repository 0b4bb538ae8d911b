import { jsonNull } from '@hookbox/protocol'
import type { Hub } from '../hub/hub.ts'
import { type Method, method, optional, or, payload, rest, text, userName } from './fields.ts'

/** What an application may do to users and their connections (contract: REST). */
export function userMethods(hub: Hub): { readonly [name: string]: Method } {
  return {
    message: method(
      { sender_name: userName, recipient_name: userName, payload: optional(payload, jsonNull) },
      async (f) => ({ delivered: await hub.messageByApplication(f.sender_name, f.recipient_name, f.payload) }),
    ),

    get_user_info: method({ user_name: userName }, (f) => hub.userInfo(f.user_name)),

    set_user_options: method({ user_name: userName, options: rest() }, async (f) => {
      await hub.setUserOptions(f.user_name, f.options)
      return {}
    }),

    disconnect_user: method({ user_name: or(userName, 'name') }, async (f) => {
      await hub.disconnectUser(f.user_name)
      return {}
    }),

    disconnect: method({ identifier: text }, async (f) => {
      await hub.disconnect(f.identifier)
      return {}
    }),
  }
}
