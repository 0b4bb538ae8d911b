import type { Connection, ConnectOptions, HookboxError, Subscription } from '@hookbox/client'
import type { Json } from '@hookbox/protocol'
import type { Tab } from './tab.ts'

/** Something that the page was told, by its name, with what came with it. */
export type Told = readonly [name: string, ...details: Json[]]

/** What a script that runs in the page finds there. */
declare global {
  var hookbox: { connect(url: string, options?: ConnectOptions): Connection }
  /** The hub's address, by way of the proxy. */
  var hubUrl: string
  var conn: Connection
  /** By channel. */
  var subs: Record<string, Subscription>
  /** All that was told, in order, without what the browser tells. */
  var told: Told[]
  /** What the browser told. */
  var seen: Told[]
  /** When the browser last told that the network is back, by `performance.now()`. */
  var onlineAt: number
  /** What the page sent. */
  var sent: string[]
  /** How each publish ended, one for every time that it settled. */
  var settled: string[]
  /** Subscribes and notes what is told. */
  function watch(channel: string): Subscription
  /** Publishes and notes how that ends. */
  function send(channel: string, payload: Json): void
  /** Turns the page's clock, soon after: what is due by then happens. */
  function turn(milliseconds: number): void
  /** Timers that were set before stand still from now on, as in a tab that is not seen. */
  function doze(): void
}

export interface Watching {
  readonly hubUrl: string
  readonly scriptUrl: string
  readonly name: string
  readonly channels: readonly string[]
  /** Milliseconds between which the wait before the next try lies. */
  readonly backoff: { readonly min: number; readonly max: number }
}

/** A page that subscribes and notes all that it is told. It runs in the browser, and nothing of this file is there. */
function observe({ hubUrl, scriptUrl, name, channels, backoff }: Watching): void {
  const realNow = Date.now
  const realTimeout = globalThis.setTimeout
  const timers = new Map<number, { readonly due: number; readonly run: () => void }>()
  const others = new Map<number, () => void>()
  let ahead = 0
  let asleep: Set<number> = new Set()

  function fire(id: number): void {
    if (asleep.has(id)) return
    const run = timers.get(id)?.run ?? others.get(id)
    timers.delete(id)
    others.delete(id)
    run?.()
  }

  Date.now = () => realNow() + ahead
  globalThis.setTimeout = ((run: () => void, delay = 0) => {
    const id = realTimeout(() => fire(id), delay) as unknown as number
    // those of others, as a driver that waits for a script, are none of the test's
    if (new Error().stack?.includes(scriptUrl)) timers.set(id, { due: Date.now() + delay, run })
    else others.set(id, run)
    return id
  }) as unknown as typeof setTimeout
  globalThis.clearTimeout = ((id: number) => void (timers.delete(id) || others.delete(id))) as typeof clearTimeout
  globalThis.turn = (milliseconds) => {
    // a driver may measure by the page's clock how long a script of the test runs: not while one does
    realTimeout(() => {
      ahead += milliseconds
      const due = [...timers].filter(([, timer]) => timer.due <= Date.now())
      for (const [id] of due.sort(([, a], [, b]) => a.due - b.due)) fire(id)
    })
  }
  globalThis.doze = () => {
    asleep = new Set(timers.keys())
  }

  globalThis.told = []
  globalThis.seen = []
  globalThis.sent = []
  globalThis.settled = []
  globalThis.subs = {}
  // bound before the client's own, so that it is first
  globalThis.onlineAt = Number.POSITIVE_INFINITY
  addEventListener('online', () => {
    globalThis.onlineAt = performance.now()
  })
  const note =
    (...what: Told) =>
    () =>
      void seen.push(what)
  for (const event of ['online', 'offline', 'pagehide']) addEventListener(event, note(event))
  addEventListener('pageshow', ({ persisted }) => void seen.push(['pageshow', persisted]))
  for (const event of ['freeze', 'resume']) document.addEventListener(event, note(event))

  globalThis.hubUrl = hubUrl
  globalThis.conn = hookbox.connect(hubUrl, {
    payload: { name },
    backoff,
    log: (text, details) => {
      if (text === 'sent') sent.push(String(details))
    },
  })
  conn.on('status', ({ status, retryAt }) =>
    told.push(['status', status, retryAt === undefined ? 'no try due' : 'a try due']),
  )
  conn.on('open', ({ again }) => told.push(['open', again]))
  conn.on('close', ({ code, comesBack }) => told.push(['close', code, comesBack]))
  conn.on('error', ({ code }) => told.push(['error', code]))

  globalThis.watch = (channel) => {
    const sub = conn.subscribe(channel)
    subs[channel] = sub
    sub.on('subscribed', ({ recovered, replayed }) => told.push(['subscribed', channel, recovered, replayed]))
    sub.on('gap', ({ reason }) => told.push(['gap', channel, reason]))
    sub.on('publish', ({ payload, replayed }) => told.push(['publish', channel, payload, replayed]))
    return sub
  }
  globalThis.send = (channel, payload) => {
    conn.publish(channel, payload).then(
      ({ duplicate }) => settled.push(`${JSON.stringify(payload)} ${duplicate ? 'was there' : 'stored'}`),
      (error: HookboxError) => settled.push(`${JSON.stringify(payload)} ${error.code}`),
    )
  }
  for (const channel of channels) watch(channel)
}

export function observerHtml(watching: Watching): string {
  return `<!doctype html>
    <meta charset="utf-8">
    <title>Observer</title>
    <script src="${watching.scriptUrl}"></script>
    <script>(${observe})(${JSON.stringify(watching)})</script>`
}

/** What the page was told of those names so far. */
export async function toldOf(tab: Tab, ...names: string[]): Promise<Told[]> {
  return tab.run((...wanted) => told.filter(([name]) => wanted.includes(name)), ...names)
}

/** The payloads that a channel's handlers were given, in order. */
export async function payloads(tab: Tab, channel: string): Promise<Json[]> {
  return tab.run(
    (name) => told.flatMap(([what, of, payload]) => (what === 'publish' && of === name ? [payload ?? null] : [])),
    channel,
  )
}
