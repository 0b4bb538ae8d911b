import type { ChannelOptions } from './options.ts'

/** Whether the application is asked before this happens (contract: Channel options, `moderated`). */
export function asks(options: ChannelOptions, action: 'publish' | 'subscribe' | 'unsubscribe'): boolean {
  if (options.moderated) return true
  return {
    publish: options.moderatedPublish,
    subscribe: options.moderatedSubscribe,
    unsubscribe: options.moderatedUnsubscribe,
  }[action]
}
