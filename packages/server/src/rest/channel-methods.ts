import { HookboxError, jsonNull } from '@hookbox/protocol'
import type { ApplicationVerbs } from '../hub/application-verbs.ts'
import {
  channelName,
  channelNames,
  flag,
  json,
  type Method,
  messageId,
  method,
  optional,
  or,
  payload,
  rest,
  text,
  userName,
} from './fields.ts'

const sendHook = optional(flag, false)
const user = or(userName, 'user')

/** What an application may do to channels (contract: REST). */
export function channelMethods(
  application: ApplicationVerbs,
  ignoreMissing: boolean,
): { readonly [name: string]: Method } {
  return {
    publish: method(
      {
        channel_name: channelName,
        payload: optional(payload, jsonNull),
        originator: optional(userName, null),
        send_hook: sendHook,
        message_id: optional(messageId),
      },
      async (f) => {
        const publish = { payload: f.payload, originator: f.originator, messageId: f.message_id, sendHook: f.send_hook }
        try {
          return { ...(await application.publish(f.channel_name, publish)) }
        } catch (error) {
          // `-x`: an application that publishes to whoever happens to be there does not want to hear that nobody is.
          if (ignoreMissing && error instanceof HookboxError && error.code === 'unknown_channel') return {}
          throw error
        }
      },
    ),

    publish_multi: method(
      { channel_names: channelNames, payload: optional(payload, jsonNull), originator: optional(userName, null) },
      async (f) => {
        await application.publishToMany(f.channel_names, { payload: f.payload, originator: f.originator })
        return {}
      },
    ),

    subscribe: method({ channel_name: channelName, name: user, send_hook: sendHook }, async (f) => {
      await application.subscribeUser(f.channel_name, f.name, f.send_hook)
      return {}
    }),

    unsubscribe: method({ channel_name: channelName, name: user, send_hook: sendHook }, async (f) => {
      await application.unsubscribeUser(f.channel_name, f.name, f.send_hook)
      return {}
    }),

    create_channel: method({ channel_name: channelName, send_hook: sendHook, options: rest() }, async (f) => {
      await application.createChannel(f.channel_name, f.options, f.send_hook)
      return {}
    }),

    destroy_channel: method({ channel_name: channelName, send_hook: sendHook }, async (f) => {
      await application.destroyChannel(f.channel_name, f.send_hook)
      return {}
    }),

    get_channel_info: method({ channel_name: channelName }, (f) => application.channelInfo(f.channel_name)),

    set_channel_options: method({ channel_name: channelName, options: rest() }, async (f) => {
      await application.setChannelOptions(f.channel_name, f.options)
      return {}
    }),

    state_set_key: method({ channel_name: channelName, key: text, val: json }, async (f) => {
      await application.setStateKey(f.channel_name, f.key, f.val)
      return {}
    }),

    state_delete_key: method({ channel_name: channelName, key: text }, async (f) => {
      await application.deleteStateKey(f.channel_name, f.key)
      return {}
    }),
  }
}
