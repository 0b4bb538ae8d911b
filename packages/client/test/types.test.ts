import type {
  Connection,
  Entry,
  GapEvent,
  HistoryEntry,
  HookboxError,
  Json,
  PresenceEvent,
  PublishEvent,
  StateChange,
  Subscription,
} from '@hookbox/client'
import { afterEach, describe, expectTypeOf, test } from 'vitest'
import { World } from './kit/world.ts'

// The compiler checks these; that they also run shows that no type promises what is not there.

interface Chat {
  text: string
  /** Interfaces and missing members are fine. */
  reply?: number
}

interface Tree {
  name: string
  children?: Tree[]
}

interface ChatState {
  topic: string
  muted: string[]
}

declare module '@hookbox/client' {
  interface ChannelMap {
    lobby: { payload: Chat; state: ChatState; initialData: { role: 'host' | 'guest' } }
    ticks: { payload: number }
    [table: `table-${string}`]: { payload: { move: string } }
  }
}

type AnyState = Readonly<Record<string, Json>>

const opened: Connection[] = []

function connect(): Connection {
  const connection = new World().connect()
  opened.push(connection)
  return connection
}

afterEach(() => {
  for (const connection of opened.splice(0)) connection.disconnect()
})

describe('a channel that ChannelMap names', () => {
  test('is typed by its name: subscription, events, iteration, history, state', () => {
    const chat = connect().subscribe('lobby')
    expectTypeOf(chat.history).toEqualTypeOf<readonly HistoryEntry<Chat>[]>()
    expectTypeOf(chat.fetchHistory).returns.resolves.toEqualTypeOf<{ history: HistoryEntry<Chat>[]; cursor?: string }>()
    expectTypeOf(chat.state).toEqualTypeOf<Readonly<Partial<ChatState>>>()
    expectTypeOf(chat.initialData).toEqualTypeOf<{ role: 'host' | 'guest' } | undefined>()
    expectTypeOf(chat.presence).toEqualTypeOf<readonly string[]>()
    expectTypeOf(chat.publish).parameter(0).toEqualTypeOf<Chat>()
    expectTypeOf(chat[Symbol.asyncIterator]()).toEqualTypeOf<AsyncIterableIterator<PublishEvent<Chat>>>()
    chat.on('publish', ({ payload }) => expectTypeOf(payload).toEqualTypeOf<Chat>())
    chat.on('state', (state, { updates, deletes }) => {
      expectTypeOf(state).toEqualTypeOf<Readonly<Partial<ChatState>>>()
      expectTypeOf(updates.topic).toEqualTypeOf<string | undefined>()
      expectTypeOf(deletes).toEqualTypeOf<readonly ('topic' | 'muted')[]>()
    })
    chat.on('presence', (users) => expectTypeOf(users).toEqualTypeOf<readonly string[]>())
    chat.on('subscribe', (event) => expectTypeOf(event).toEqualTypeOf<PresenceEvent>())
    chat.on('gap', (event) => expectTypeOf(event).toEqualTypeOf<GapEvent>())
    chat.on('error', (error) => expectTypeOf(error).toEqualTypeOf<HookboxError>())
  })

  test('takes from a page what it carries, and nothing else', () => {
    const conn = connect()
    const chat = conn.subscribe('lobby')
    conn.publish('lobby', { text: 'hello' })
    chat.publish({ text: 'hello', reply: 1 })
    // @ts-expect-error no text
    chat.publish({ topic: 'hello' })
    // @ts-expect-error a text is no Chat
    conn.publish('lobby', 'hello')
    // @ts-expect-error an event that there is not
    chat.on('message', () => {})
    // @ts-expect-error the map has no such key of the state
    chat.state.colour
    // @ts-expect-error snapshots are read only
    chat.state.topic = 'mine'
  })

  test('may leave its state and initial data open', () => {
    const ticks = connect().subscribe('ticks')
    expectTypeOf(ticks.publish).parameter(0).toEqualTypeOf<number>()
    expectTypeOf(ticks.state).toEqualTypeOf<AnyState>()
    expectTypeOf(ticks.initialData).toEqualTypeOf<Json | undefined>()
  })

  test('may be named by a pattern', () => {
    const conn = connect()
    const id = Math.random()
    expectTypeOf(conn.subscribe(`table-${id}`)).toEqualTypeOf<Subscription<{ move: string }>>()
    conn.publish('table-7', { move: 'e4' })
    // @ts-expect-error every table carries moves
    conn.publish(`table-${id}`, 7)
    expectTypeOf(conn.subscribe('tables')).toEqualTypeOf<Subscription>()
  })
})

describe('a channel that it does not name', () => {
  test('carries JSON, and never any', () => {
    const conn = connect()
    const news = conn.subscribe('news')
    expectTypeOf(news).toEqualTypeOf<Subscription>()
    expectTypeOf(news.state).toEqualTypeOf<AnyState>()
    news.on('publish', ({ payload }) => {
      expectTypeOf(payload).toEqualTypeOf<Json>()
      expectTypeOf(payload).not.toBeAny()
      // @ts-expect-error not before it is known to be an object
      payload.text
    })
    news.on('state', (_, change) => expectTypeOf(change).toEqualTypeOf<StateChange>())
    conn.publish('news', { any: ['JSON', 1, null, true] })
    // @ts-expect-error no JSON
    conn.publish('news', new Date())
    // @ts-expect-error no JSON
    conn.publish('news', undefined)
    // @ts-expect-error no JSON
    conn.publish('news', () => {})
    const name: string = 'lobby'
    expectTypeOf(conn.subscribe(name)).toEqualTypeOf<Subscription>()
    conn.on('message', ({ payload }) => expectTypeOf(payload).toEqualTypeOf<Json>())
    conn.on('subscribed', (sub) => expectTypeOf(sub).toEqualTypeOf<Subscription>())
  })

  test('can be typed where it is subscribed', () => {
    const conn = connect()
    const chat = conn.subscribe<Chat>('elsewhere')
    expectTypeOf(chat).toEqualTypeOf<Subscription<Chat>>()
    expectTypeOf(conn.subscribe<string>('elsewhere').publish).parameter(0).toEqualTypeOf<string>()
    // @ts-expect-error no text
    chat.publish({})
  })
})

describe('parse', () => {
  test('says the type of what is heard', () => {
    const conn = connect()
    const parse = (payload: Json): Chat => ({ text: String(payload) })
    const sub = conn.subscribe('elsewhere', { parse })
    sub.on('publish', ({ payload }) => expectTypeOf(payload).toEqualTypeOf<Chat>())
    expectTypeOf(sub.history).toEqualTypeOf<readonly HistoryEntry<Chat>[]>()
    expectTypeOf(sub.publish).parameter(0).toEqualTypeOf<Chat>()
    expectTypeOf(conn.subscribe('elsewhere', { signal: AbortSignal.abort() })).toEqualTypeOf<Subscription>()
    expectTypeOf(conn.subscribe('elsewhere', { parse: (payload) => payload })).toEqualTypeOf<Subscription>()
    const tree = conn.subscribe('elsewhere', { parse: (payload) => payload as unknown as Tree })
    expectTypeOf(tree.publish).parameter(0).toEqualTypeOf<Tree>()
    // @ts-expect-error it is given JSON, not texts
    conn.subscribe('elsewhere', { parse: (payload: string) => payload })
  })

  test('may make what is no JSON of it, which is not what is published', () => {
    const conn = connect()
    const dates = conn.subscribe('dates', { parse: (payload) => new Date(String(payload)) })
    dates.on('publish', ({ payload }) => expectTypeOf(payload).toEqualTypeOf<Date>())
    expectTypeOf(dates.publish).parameter(0).toEqualTypeOf<Json>()
    const ticks = conn.subscribe('ticks', { parse: (payload) => new Date(Number(payload)) })
    ticks.on('publish', ({ payload }) => expectTypeOf(payload).toEqualTypeOf<Date>())
    expectTypeOf(ticks.publish).parameter(0).toEqualTypeOf<number>()
  })
})

test('an entry of a history is told by its name', () => {
  expectTypeOf<HistoryEntry>().toExtend<Entry>()
  expectTypeOf<Entry>().toExtend<HistoryEntry>()
  const [entry] = connect().subscribe('lobby').history
  if (entry?.[0] === 'PUBLISH') expectTypeOf(entry[1].payload).toEqualTypeOf<Chat>()
  // @ts-expect-error joins have no payload
  else entry?.[1].payload
})
