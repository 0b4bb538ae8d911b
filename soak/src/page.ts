import { type Connection, connect, type PublishResult, type Subscription } from '@hookbox/client'
import { HookboxError, type Json, type Position, parsePosition } from '@hookbox/protocol'
import { startTcpProxy, type TcpProxy } from '@hookbox/testkit'
import { WebSocket } from 'ws'
import type { Fact } from './facts.ts'

/** A real client behind a line of its own that can be cut. */
export interface Page {
  readonly name: string
  /** Missing for a page whose line is never cut. */
  readonly proxy: TcpProxy | undefined
  /** How many lines were lost after the hub had agreed to them. */
  readonly cuts: number
  /** With what code its line was closed last, after the hub had agreed to it. */
  readonly closed: number | undefined
  /** Publishes ballast, with the id by which the checker knows it. */
  publish(channel: string, pad: string): Promise<void>
  /** The channels that it holds. */
  readonly channels: readonly string[]
  hold(channel: string): void
  cancel(channel: string): void
  /** What it holds, by channel. */
  held(): readonly Held[]
  close(): Promise<void>
}

export interface Held {
  readonly name: string
  readonly channel: string
  readonly subscription: Subscription<Json>
}

/** Errors after which a publish may be stored or not. After any other it is not. */
const unknownOutcomes = ['outcome_unknown', 'timeout', 'aborted', 'closed', 'unavailable', 'internal']

export async function openPage(name: string, port: number, take: (fact: Fact) => void, cut: boolean): Promise<Page> {
  const proxy = cut ? await startTcpProxy(port) : undefined
  const conn: Connection = connect(`http://127.0.0.1:${proxy?.port ?? port}`, {
    payload: { name },
    WebSocket,
    // Lines are cut all the time, and a test has none to waste.
    backoff: { min: 5, max: 400 },
    timeout: 5_000,
    whenOffline: { limit: 1_000, timeToLive: 120_000 },
  })
  const held = new Map<string, Held>()
  let cuts = 0
  let closed: number | undefined
  let published = 0
  let holds = 0

  conn.on('close', ({ wasConnected, code }) => {
    if (wasConnected) {
      cuts++
      closed = code
    }
    for (const { name: subscription } of held.values()) take({ fact: 'interrupted', subscription })
  })

  conn.on('unsubscribed', ({ channel }) => {
    const found = held.get(channel)
    if (found !== undefined) take({ fact: 'put out', subscription: found.name })
  })

  function hold(channel: string): void {
    if (held.has(channel)) return
    const subscription = `${name}#${++holds}`
    take({ fact: 'hold', subscription, page: name, channel })
    const sub = conn.subscribe(channel)
    held.set(channel, { name: subscription, channel, subscription: sub })
    sub.on('subscribed', ({ recovered }) => {
      const position = read(sub.position)
      if (position === undefined) throw new Error(`${subscription}: subscribed without a position`)
      take({ fact: 'subscribed', subscription, position, recovered, reflective: sub.reflective })
    })
    sub.on('gap', ({ last, now, lost }) => {
      const [from, to] = [read(last), read(now)]
      if (from === undefined || to === undefined) throw new Error(`${subscription}: a gap without positions`)
      take({ fact: 'gap', subscription, last: from, now: to, lost })
    })
    sub.on('error', ({ code, message }) => take({ fact: 'interrupted', subscription, why: `${code}: ${message}` }))
    sub.on('publish', ({ payload, offset }) => {
      take({ fact: 'deliver', subscription, id: idOf(payload), offset, position: read(sub.position) })
    })
  }

  return {
    name,
    proxy,
    get cuts() {
      return cuts
    },
    get closed() {
      return closed
    },
    get channels() {
      return [...held.keys()]
    },
    async publish(channel, pad) {
      const id = `${name}/${++published}`
      take({ fact: 'publish', id, publisher: name, channel, page: name })
      await settle(take, id, conn.publish(channel, { id, pad }))
    },
    hold,
    cancel(channel) {
      const found = held.get(channel)
      if (found === undefined) return
      held.delete(channel)
      take({ fact: 'cancel', subscription: found.name })
      void found.subscription.cancel()
    },
    held: () => [...held.values()],
    async close() {
      conn.disconnect()
      await proxy?.[Symbol.asyncDispose]()
    },
  }
}

async function settle(take: (fact: Fact) => void, id: string, answer: Promise<PublishResult>): Promise<void> {
  try {
    const { position } = await answer
    take({ fact: 'settle', id, outcome: read(position) ?? 'unknown' })
  } catch (error) {
    const isKnown = error instanceof HookboxError && !unknownOutcomes.includes(error.code)
    take({ fact: 'settle', id, outcome: isKnown ? 'not stored' : 'unknown' })
  }
}

export function read(position: string | undefined): Position | undefined {
  return position === undefined ? undefined : parsePosition(position)
}

function idOf(payload: Json): string {
  const isBallast = typeof payload === 'object' && payload !== null && 'id' in payload
  return isBallast ? String(payload.id) : JSON.stringify(payload)
}
