import type { WebhookReplies } from '@hookbox/testkit'

/** What kinds of channels a soak has, in turn: every way by which a publish goes has its own traps. */
const kinds = {
  /** Joins and leaves take numbers too. */
  presence: { moderated: false, presenceful: true, history_size: 20 },
  /** Nothing but publishes takes a number, and no history hides what recovering misses. */
  plain: { moderated: false },
  /** The publisher's own page is told `POSITION` in place of its publishes. */
  quiet: { moderated: false, reflective: false, history_size: 5 },
  /** Every publish waits for the web application. */
  asked: { moderated: false, moderated_publish: true, history_size: 50 },
} as const

const names = Object.keys(kinds) as (keyof typeof kinds)[]

export function channelNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${names[index % names.length]}-${index}`)
}

/** The web application's part. `wait` gives the milliseconds that it takes to decide about a publish. */
export function replies(wait: () => number): { readonly [webhook: string]: WebhookReplies } {
  return {
    create_channel: ({ channel_name = '' }) => {
      const kind = names.find((name) => channel_name.startsWith(`${name}-`))
      return kind === undefined ? [false, { error: `no such kind of channel: ${channel_name}` }] : [true, kinds[kind]]
    },
    publish: () => new Promise((decide) => setTimeout(() => decide([true, {}]), wait())),
    // Channels are kept when everybody is gone, so that nothing ends but by what the scenario does.
    destroy_channel: [false, {}],
  }
}
