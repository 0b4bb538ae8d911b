import type { ChannelOptions } from './options.ts'

/** Whether the application is asked before this happens (contract: Channel options, `moderated`). */
export function asks(options: ChannelOptions, action: 'publish' | 'subscribe' | 'unsubscribe'): boolean {
  return options.moderated || options[ofAction[action]]
}

const ofAction = {
  publish: 'moderatedPublish',
  subscribe: 'moderatedSubscribe',
  unsubscribe: 'moderatedUnsubscribe',
} as const
