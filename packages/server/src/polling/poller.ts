import { exceeds, HookboxError, type JsonText, limits } from '@hookbox/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { backoff } from './backoff.ts'
import { modes, type PollAnswer, type Polled, type PollRequest } from './modes.ts'
import type { PollingOptions } from './options.ts'

/**
 * Sends one request and brings the whole answer, bounded in size and time, without following redirects.
 *
 * @throws whatever kept it from that
 */
export type PollFetch = (request: PollRequest, signal: AbortSignal) => Promise<PollAnswer>

export interface PollerOptions {
  readonly channelName: string
  readonly options: PollingOptions
  readonly fetch: PollFetch
  readonly clock: Clock
  readonly log: Pick<Log, 'warn' | 'error'>
  publish(payload: JsonText, originator: string | undefined): Promise<void> | void
  /** Applies channel options that came with a reply, `polling` among them; throws where one is wrong. */
  setOptions(options: { readonly [name: string]: unknown }): Promise<void> | void
  /** Polling has come to its end by itself. */
  done(): Promise<void> | void
  /** Where the webhooks go: only there does a poll carry the webhook secret. */
  readonly callbacksOrigin: string | undefined
  readonly secret: string | undefined
}

/**
 * Polls a URL for a channel until it is stopped: the first time after one interval, never twice at a time.
 *
 * A failure is logged and backs off; it never ends the polling.
 */
export function startPoller(poller: PollerOptions): () => void {
  const { options, clock } = poller
  const mode = modes[options.mode]
  const stopped = new AbortController()
  let failures = 0
  let cancel = wait(options.interval)

  function wait(delay: number): () => void {
    return clock.after(delay, () => void poll())
  }

  async function poll(): Promise<void> {
    const start = clock.now()
    let done: Polled | undefined
    try {
      // Read anew: `set_config` may have moved the callbacks, and then the secret is not for this URL any more.
      const secret = sameOrigin(options.url, poller.callbacksOrigin) ? poller.secret : undefined
      const answer = await poller.fetch(mode.request(options, secret), stopped.signal)
      if (stopped.signal.aborted) return
      done = read(answer, mode.read)
      if (done?.options) await poller.setOptions(done.options)
      failures = 0
    } catch (cause) {
      // A URL that fails is no reason for anything but to wait: there is nobody to tell but the log.
      if (!stopped.signal.aborted) fail(cause)
      return
    }
    // The options may have begun the next poller already; what came with them is published all the same.
    if (done?.payload !== undefined) await publish(done.payload)
    if (stopped.signal.aborted) return
    if (mode.repeats || done?.options?.polling !== undefined) {
      // In step with the interval, however long this one took.
      cancel = wait(options.interval - (Math.max(0, clock.now() - start) % options.interval))
    } else await end()
  }

  async function end(): Promise<void> {
    try {
      await poller.done()
    } catch (err) {
      // Whoever takes the channel up after this may poll once more.
      poller.log.error({ channel: poller.channelName, err }, 'the end of polling could not be noted')
    }
  }

  function fail(cause: unknown): void {
    failures++
    const delay = backoff(failures, options.interval)
    const fields = { channel: poller.channelName, url: withoutQuery(options.url), failures, retry_in: delay / 1_000 }
    poller.log.warn({ ...fields, fault: cause instanceof Error ? cause.message : String(cause) }, 'polling failed')
    cancel = wait(delay)
  }

  async function publish(payload: JsonText): Promise<void> {
    try {
      await poller.publish(payload, options.originator)
    } catch (err) {
      // The URL is not to blame, so the next poll comes as planned.
      poller.log.error({ channel: poller.channelName, err }, 'what was polled could not be published')
    }
  }

  return () => {
    stopped.abort()
    cancel()
  }
}

/** Undefined where the URL has nothing new to say. */
function read({ status, body }: PollAnswer, readBody: (body: string) => Polled): Polled | undefined {
  if (status === 204) return undefined
  if (status !== 200) throw new Error(`expected status 200, got ${status}`)
  const polled = readBody(body)
  if (polled.payload !== undefined && exceeds(polled.payload, limits.frame)) {
    throw new HookboxError('too_large', `payload: expected at most ${limits.frame} bytes`)
  }
  return polled
}

function sameOrigin(url: string, origin: string | undefined): boolean {
  return origin !== undefined && URL.canParse(origin) && new URL(url).origin === new URL(origin).origin
}

/** A query string may hold a key, which is nothing for a log. */
function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
