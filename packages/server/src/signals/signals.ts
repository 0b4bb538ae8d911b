import { closeCodes, type ErrorCode } from '@hookbox/protocol'
import { Durations } from './durations.ts'
import type { Happening } from './happenings.ts'
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

/** The hub's own, and what a line that broke off is closed with (RFC 6455 §7.4.1). A page may choose any other. */
const closeWords: ReadonlySet<string> = new Set(
  [...Object.values(closeCodes), 1002, 1005, 1006, 1007, 1008].map(String),
)

const recoveries: readonly Recovery[] = ['recovered', 'expired', 'epoch']

const faultKinds: readonly string[] = ['time', 'connection', 'status', 'form', 'detail', 'threw']

/**
 * What happens on this node, told in one place: counted always, in plain numbers that are only read, and told to whoever
 * listens, mostly nobody. Counts begin with the process and never fall.
 */
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
  readonly #listeners = new Set<(happening: Happening) => void>()

  /** `webhooks`: their names, so that each can be seen before it is asked. */
  constructor(webhooks: Iterable<string> = []) {
    for (const name of webhooks) this.webhook(name)
  }

  /** Hears what happens from now on, until the function that comes back is called. A listener must not throw. */
  listen(hear: (happening: Happening) => void): () => void {
    const listener = (happening: Happening) => hear(happening)
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** The application has admitted a page. */
  connected(connection: string, user: string, transport: string, address: string): void {
    if (this.#watched) this.#tell({ what: 'connected', connection, user, transport, address })
  }

  /** A page's line has ended. */
  lineClosed(connection: string, user: string, code: number, reason: string): void {
    const word = String(code)
    this.closed.add(closeWords.has(word) ? word : 'other')
    if (this.#watched) this.#tell({ what: 'closed', connection, user, code, reason })
  }

  entered(connection: string, user: string, channel: string): void {
    if (this.#watched) this.#tell({ what: 'entered', connection, user, channel })
  }

  left(connection: string, user: string, channel: string): void {
    if (this.#watched) this.#tell({ what: 'left', connection, user, channel })
  }

  published(channel: string, originator: string | null, outcome: PublishOutcome, length: number): void {
    this.publishes.add(outcome)
    if (this.#watched) this.#tell({ what: 'published', channel, originator, outcome, length })
  }

  messaged(sender: string, recipient: string, length: number): void {
    this.messages++
    if (this.#watched) this.#tell({ what: 'messaged', sender, recipient, length })
  }

  /** This node takes part in a channel. */
  channelOpened(channel: string): void {
    if (this.#watched) this.#tell({ what: 'opened', channel })
  }

  /** The channel has ended, or this node has nothing to do with it any more. */
  channelEnded(channel: string): void {
    if (this.#watched) this.#tell({ what: 'ended', channel })
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

  get #watched(): boolean {
    return this.#listeners.size > 0
  }

  #tell(happening: Happening): void {
    for (const hear of this.#listeners) hear(happening)
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
