import { frameLimit, type HookboxError, type Json, type Published } from '@hookbox/protocol'
import { giveUp, onAbort } from './giving-up.ts'
import type { Requests } from './requests.ts'
import type { Surroundings } from './surroundings.ts'

/** How long the hub remembers a message id; what is older may have been stored or not, and a repeat could be a second one. */
const repeatable = 300_000

/** How many ids that the caller chose are remembered as this page's own. */
const rememberedIds = 1_000

/** What happens to what is published while there is no connection. */
export interface WaitOptions {
  /** How many publishes and messages may be unanswered; beyond it `too_many`. Default 256. */
  limit?: number | undefined
  /** Milliseconds that one may wait to be sent; beyond it `offline`. Default 60,000. */
  timeToLive?: number | undefined
}

/** How one publish or message is sent. */
export interface SendOptions {
  /** The key by which the hub recognises a repeat; one is made where none is given. */
  id?: string | undefined
  /** Gives up waiting. What was sent stays sent. */
  signal?: AbortSignal | undefined
  /** Milliseconds to wait for the answer; beyond it `timeout`. Default: as long as the hub could recognise a repeat. */
  timeout?: number | undefined
}

/** What the hub says to a publish. */
export interface PublishResult {
  /** Where it stands in the channel's log; missing where the application sent it to this page alone. */
  readonly position?: string
  /** Whether the hub had it already. */
  readonly duplicate: boolean
}

/**
 * What was published and is not answered: kept in the order of the calls, sent when there is a connection, and sent again
 * under the same id after a break, until the answer comes or the hub may have forgotten the id.
 */
export interface Outbox {
  publish(channel: string, payload: Json, options?: SendOptions): Promise<PublishResult>
  message(user: string, payload: Json, options?: SendOptions): Promise<void>
  /** Whether an id is one that this page gave. */
  sentHere(messageId: string | undefined): boolean
  /** `frameLimit` is how many bytes the hub takes in one frame. */
  connected(frameLimit: number): void
  /** With an error it is over for good. */
  lineLost(over: HookboxError | undefined): void
}

interface Item {
  send(): void
  fail(error: HookboxError): void
}

export function createOutbox(
  around: Surroundings,
  requests: Requests,
  whenOffline: WaitOptions | 'wait' | 'refuse' = 'wait',
): Outbox {
  // a word has neither
  const { limit = 256, timeToLive = 60_000 } = whenOffline as WaitOptions
  const items = new Set<Item>()
  const prefix = `${around.now().toString(36)}${around.random().toString(36)}-`
  const chosen = new Set<string>()
  let count = 0
  let connected = false
  let closed: HookboxError | undefined
  let frameBytes: number = frameLimit

  function add<Result>(
    name: 'PUBLISH' | 'MESSAGE',
    to: object,
    payload: Json,
    { id, ...patience }: SendOptions = {},
    result: (answer: Published) => Result,
  ): Promise<Result> {
    return giveUp(around, name, patience, (resolve, fail, settled, failure) => {
      if (closed) throw closed
      if (whenOffline === 'refuse' && !connected) throw failure('offline', 'not connected')
      if (items.size >= limit) throw failure('too_many', `expected at most ${limit} unanswered`)
      let text: string
      try {
        if (JSON.stringify(payload) === undefined) throw new TypeError(typeof payload)
        text = JSON.stringify({ ...to, payload, message_id: id ?? prefix + ++count })
      } catch (cause) {
        throw failure('bad_request', 'payload: expected JSON', { cause })
      }
      // the number and the name of the frame come on top of its arguments
      const room = frameBytes - 32
      if (text.length * 3 > room && new Blob([text]).size > room) {
        throw failure('too_large', `expected at most ${frameBytes} bytes`)
      }
      let sentAt: number | undefined
      const expire = () => fail(failure('outcome_unknown', `sent, no answer within ${repeatable} ms`))
      let cancel = around.later(timeToLive, () => fail(failure('offline', `not connected within ${timeToLive} ms`)))
      const item: Item = {
        send() {
          const now = around.now()
          if (sentAt === undefined) {
            sentAt = now
            cancel()
            cancel = around.later(repeatable, expire)
          } else if (now - sentAt >= repeatable) return expire() // timers sleep with the page
          requests.ask(name, text, (answer: Published) => resolve(result(answer)), fail)
        },
        fail,
      }
      items.add(item)
      onAbort(settled.signal, () => {
        cancel()
        items.delete(item)
      })
      if (id !== undefined) {
        chosen.add(id)
        const [oldest = id] = chosen
        if (chosen.size > rememberedIds) chosen.delete(oldest)
      }
      if (connected) item.send()
    })
  }

  return {
    publish: (channel, payload, options) =>
      add('PUBLISH', { channel_name: channel }, payload, options, (answer) => ({
        duplicate: false,
        ...answer,
      })),
    message: (user, payload, options) => add('MESSAGE', { name: user }, payload, options, () => {}),
    sentHere: (messageId = '') => messageId.startsWith(prefix) || chosen.has(messageId),
    connected(limit) {
      frameBytes = limit
      connected = true
      for (const { send } of items) send()
    },
    lineLost(over) {
      connected = false
      closed = over
      if (over) for (const { fail } of items) fail(over)
    },
  }
}
