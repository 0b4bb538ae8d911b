import { jsonNull } from '@hookbox/protocol'
import type { ApplicationVerbs } from '../hub/application-verbs.ts'
import { type Method, method, optional, or, payload, rest, text, userName } from './fields.ts'

/** What an application may do to users and their connections (contract: REST). */
export function userMethods(application: ApplicationVerbs): { readonly [name: string]: Method } {
  return {
    message: method(
      { sender_name: userName, recipient_name: userName, payload: optional(payload, jsonNull) },
      async (f) => ({ delivered: await application.message(f.sender_name, f.recipient_name, f.payload) }),
    ),

    get_user_info: method({ user_name: userName }, (f) => application.userInfo(f.user_name)),

    set_user_options: method({ user_name: userName, options: rest() }, async (f) => {
      await application.setUserOptions(f.user_name, f.options)
      return {}
    }),

    disconnect_user: method({ user_name: or(userName, 'name') }, async (f) => {
      await application.disconnectUser(f.user_name)
      return {}
    }),

    disconnect: method({ identifier: text }, async (f) => {
      await application.disconnect(f.identifier)
      return {}
    }),
  }
}
