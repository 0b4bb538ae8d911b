import { Agent, type Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import type { PollFetch } from './poller.ts'

export interface FetchOptions {
  readonly clock: Clock
  readonly version: string
  /** Milliseconds for a whole answer. */
  readonly timeout?: number
}

/** Bytes of an answer; beyond it nothing more is read and the poll has failed. */
export const maxPollAnswer = 1_048_576

const defaultTimeout = 10_000

/** Polls by HTTP. Its connections are its own, so that slow URLs take none from the webhooks. */
export function createFetch(options: FetchOptions): { fetch: PollFetch; close(): Promise<void> } {
  const { clock, version, timeout = defaultTimeout } = options
  const agent = new Agent({
    connections: 128,
    pipelining: 1,
    maxResponseSize: maxPollAnswer,
    // The deadline of the whole poll stands for these.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 1_000,
  })

  const fetch: PollFetch = async ({ method, url, form }, signal) => {
    const { origin, pathname, search } = new URL(url)
    const deadline = new AbortController()
    const abort = (): void => deadline.abort()
    const cancel = clock.after(timeout, abort)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    const request: Dispatcher.RequestOptions = {
      origin,
      path: pathname + search,
      method,
      headers: {
        'user-agent': `hookbox/${version}`,
        ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      body: form ? new URLSearchParams(form).toString() : null,
      signal: deadline.signal,
    }
    try {
      const { statusCode, body } = await agent.request(request)
      return { status: statusCode, body: new TextDecoder().decode(await body.bytes()) }
    } catch (cause) {
      if (deadline.signal.aborted) throw new Error(`no complete answer within ${timeout} ms`, { cause })
      throw new Error(words(cause), { cause })
    } finally {
      cancel()
      signal.removeEventListener('abort', abort)
    }
  }

  let closed: Promise<void> | undefined
  return {
    fetch,
    close() {
      // Nobody waits for a poll that is under way.
      closed ??= agent.destroy()
      return closed
    },
  }
}

function words(cause: unknown): string {
  const { code, message } = cause as { code?: unknown; message?: unknown }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return `expected an answer of at most ${maxPollAnswer} bytes, got more`
  return typeof message === 'string' && message !== '' ? message : String(code ?? cause)
}
