import { closeCodes, type ErrorCode } from '@hookbox/protocol'
import { Durations } from './durations.ts'
import { Tally } from './tally.ts'

/** How a publish ended. */
export type PublishOutcome = 'published' | 'duplicate' | 'only_to_sender' | ErrorCode

/** How a webhook ended. */
export type WebhookOutcome = 'allowed' | 'refused' | 'fault'

/** Whether a page that came back got all that it missed, and why not. */
export type Recovery = 'recovered' | 'expired' | 'epoch'

/** What there is to know of one webhook. */
export interface WebhookSignals {
  readonly outcomes: Tally<WebhookOutcome>
  /** By what was wrong. */
  readonly faults: Tally
  /** Of every call, whatever became of it. */
  readonly durations: Durations
  underWay: number
}

/** Seconds: from a function in this process to the longest that a webhook may take by default, and beyond. */
export const webhookBounds: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]

/** Those of the protocol, and what a line that broke off is closed with (RFC 6455 §7.4.1). A page may choose any other. */
const closeWords: ReadonlySet<string> = new Set(
  [...Object.values(closeCodes), 1002, 1005, 1006, 1007, 1008].map(String),
)

const recoveries: readonly Recovery[] = ['recovered', 'expired', 'epoch']

const faultKinds: readonly string[] = ['time', 'connection', 'unasked', 'status', 'form', 'detail', 'threw']

/** What happens on this node, counted in one place, in plain numbers that are only read. Counts begin with the process and never fall. */
export class Signals {
  /** Frames and bytes, as they leave for pages and come from them; without what a transport puts around them. */
  sentFrames = 0
  sentBytes = 0
  receivedFrames = 0
  receivedBytes = 0
  /** Entries handed to subscribers: one that a hundred get counts a hundred times. */
  deliveries = 0
  /** Private messages sent, each once, however many connections get it. */
  messages = 0
  /** Lines that pages opened, by transport. */
  readonly opened: Tally = new Tally(['websocket', 'event-stream'])
  /** Lines that ended, by close code; `other` where the page chose one of its own. */
  readonly closed: Tally = new Tally([...closeWords, 'other'])
  readonly publishes: Tally<PublishOutcome> = new Tally([
    'published',
    'duplicate',
    'only_to_sender',
    'refused',
    'webhook_failed',
    'unavailable',
  ])
  /** Errors that pages were told, by code. */
  readonly errors: Tally<ErrorCode> = new Tally(['webhook_failed', 'unavailable', 'too_many', 'internal'])
  /** Subscriptions that were taken up again. */
  readonly channelRecoveries: Tally<Recovery> = new Tally(recoveries)
  /** Users' private messages that were taken up again. */
  readonly messageRecoveries: Tally<Recovery> = new Tally(recoveries)
  /** Calls of the REST interface by method, and by `ok` or the code of the error. */
  readonly rest: Map<string, Tally> = new Map()
  readonly webhooks: Map<string, WebhookSignals> = new Map()

  /** `webhooks`: their names, so that each can be seen before it is asked. */
  constructor(webhooks: Iterable<string> = []) {
    for (const name of webhooks) this.webhook(name)
  }

  /** A page's line has ended. */
  lineClosed(code: number): void {
    const word = String(code)
    this.closed.add(closeWords.has(word) ? word : 'other')
  }

  /** What is known of one webhook. */
  webhook(name: string): WebhookSignals {
    const known = this.webhooks.get(name)
    if (known) return known
    const fresh = {
      outcomes: new Tally<WebhookOutcome>(['allowed', 'refused', 'fault']),
      faults: new Tally(faultKinds),
      durations: new Durations(webhookBounds),
      underWay: 0,
    }
    this.webhooks.set(name, fresh)
    return fresh
  }

  /** A REST method was called; `code` is `ok` or that of the error. */
  restCalled(method: string, code: string): void {
    const codes = this.rest.get(method) ?? new Tally(['ok'])
    this.rest.set(method, codes)
    codes.add(code)
  }
}

/** What became of taking up a log again at `since`: nothing is missing, or why something is. */
export function recoveryOf(
  missed: unknown,
  since: { readonly epoch: string },
  top: { readonly epoch: string },
): Recovery {
  if (missed !== undefined) return 'recovered'
  return since.epoch === top.epoch ? 'expired' : 'epoch'
}
