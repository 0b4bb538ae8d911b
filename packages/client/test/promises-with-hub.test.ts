import type { Json } from '@hookbox/protocol'
import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import type { ChannelEar, Numbered } from '../../server/src/broker/broker.ts'
import { refuse, TestHub } from '../../server/test/kit/hub.ts'
import { TestClock } from '../../testkit/src/clock.ts'
import type { GapEvent } from '../src/events.ts'
import { quiet } from './kit/memory-line.ts'
import { Tab } from './kit/tab.ts'
import { Witness } from './kit/witness.ts'

// The real client and the real hub, joined by lines in this process. There is one clock, which the test turns.

const users = ['ann', 'bob', 'ann'] as const
const channelNames = ['chat', 'quiet', 'plain'] as const
type Name = (typeof channelNames)[number]

/** What the hub keeps for those who come back, in milliseconds. */
const recoveryWindow = 300_000

const asked = ['connect', 'create_channel', 'subscribe', 'unsubscribe', 'publish', 'destroy_channel'] as const
type Asked = (typeof asked)[number]
type Mood = 'well' | 'slow' | 'failing' | 'refusing'

/** What a handler does the next time it is told a publish. */
const deeds = ['cancel', 'cancel all', 'again', 'disconnect', 'publish', 'subscribe elsewhere'] as const
type Deed = (typeof deeds)[number]

const tab = fc.nat(users.length - 1)
const channel = fc.constantFrom(...channelNames)
const count = fc.integer({ min: 1, max: 4 })

function a<const Do extends string>(...names: Do[]): fc.Arbitrary<Do> {
  return fc.constantFrom(...names)
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: a('subscribe', 'cancel', 'publish', 'publish'), tab, channel, count }) },
  { weight: 6, arbitrary: fc.record({ do: a('rest', 'rest', 'rest', 'state'), channel, count }) },
  { weight: 3, arbitrary: fc.record({ do: a('inside'), tab, channel, deed: fc.constantFrom(...deeds) }) },
  { weight: 5, arbitrary: fc.record({ do: a('cut'), tab, told: a('both', 'hub', 'page', 'nobody') }) },
  { weight: 4, arbitrary: fc.record({ do: a('cut in a burst'), tab, channel, count, told: a('both', 'hub', 'page') }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: a('hold', 'release', 'deliver up', 'deliver down', 'deliver down', 'in pieces', 'whole'),
      tab,
      count,
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: a('freeze', 'suspend', 'wake', 'wake', 'unplug', 'plug in'), tab }) },
  { weight: 2, arbitrary: fc.record({ do: a('leave', 'visit', 'visit', 'expel'), tab }) },
  {
    weight: 10,
    // a moment, a wait, past the time that a broken line counts for, past silence, past what the hub keeps
    arbitrary: fc.record({ do: a('turn'), ms: fc.constantFrom(1, 400, 3_000, 16_000, 40_000, 301_000) }),
  },
  { weight: 4, arbitrary: fc.record({ do: a('settle') }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: a('mood'),
      asked: fc.constantFrom(...asked),
      mood: a('well', 'well', 'slow', 'slow', 'failing', 'refusing'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: a('options'),
      channel,
      changes: fc.constantFrom<{ [option: string]: Json }>(
        { history_size: 2 },
        { history_size: 8 },
        { history_duration: 10 },
        { history_duration: 0 },
        { moderated: false },
        { moderated: true },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: a('destroy'), channel }) },
  { weight: 1, arbitrary: fc.record({ do: a('restart'), how: a('crash', 'stop', 'remember', 'remember') }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

interface Payload {
  readonly n: number
  readonly by: number
}

/** Somebody's visit: a tab, the number under which it publishes, and what it was told. */
interface Visit {
  readonly id: number
  readonly tab: Tab
  readonly witnesses: Witness<Payload, Name>[]
}

interface Published {
  readonly n: number
  readonly outcomes: { readonly ok: boolean; readonly word: string; readonly life: number }[]
}

/** An entry as the hub's log holds it. */
interface Logged {
  readonly name: Numbered['name']
  readonly at: number
  readonly payload: Payload | undefined
}

class Run {
  readonly clock = new TestClock(undefined, quiet)
  hub: TestHub
  readonly visits: Visit[] = []
  readonly here: Visit[] = []
  readonly published: Published[] = []
  /** By epoch: everything that ever got a number, in order. */
  readonly logs = new Map<string, Logged[]>()
  /** For every life of the hub: the number of a publish → where it is stored. */
  readonly stored: Map<number, string[]>[] = []
  readonly moods = new Map<Asked, Mood>()
  readonly flaws: string[] = []
  readonly #random: () => number
  #numbers = 0
  #destroyed = false
  #reconfigured = false
  #listening = true

  constructor(seed: number) {
    this.#random = randomNumbers(seed)
    this.#turnTimersToo()
    this.hub = this.#newHub()
    for (const user of users) this.here.push(this.#visit(user))
  }

  random(): number {
    return this.#random()
  }

  async play(steps: readonly Step[]): Promise<void> {
    await quiet()
    for (const visit of this.here) for (const name of channelNames) this.subscribe(visit, name)
    await quiet()
    for (const one of steps) {
      await this.#step(one)
      // not always, so that one thing happens before the other has settled
      if (this.random() < 0.6) await quiet()
      for (const { witnesses } of this.visits) for (const witness of witnesses) if (witness.over) witness.end()
    }
  }

  /** Everybody and everything is well again, and time passes: then everybody knows what there is to know. */
  async end(): Promise<void> {
    this.moods.clear()
    for (const { tab } of this.here) {
      tab.online = true
      tab.wake()
    }
    // longer than any wait and any time-out, in steps in which a page may act
    for (let n = 0; n < 8; n++) await this.clock.advance(20_000)
    // nobody needs another entry to learn that one is missing
    for (const { witnesses } of this.here) {
      for (const { sub, over } of witnesses) {
        const [epoch = ''] = sub.position?.split(':') ?? []
        if (!over) expect(sub.position).toBe(`${epoch}:${this.logs.get(epoch)?.length ?? 0}`)
      }
    }
    const newcomer = this.hub.stranger()
    newcomer.say('CONNECT', { payload: { name: 'cid' } })
    for (const name of channelNames) newcomer.say('SUBSCRIBE', { channel_name: name })
    await quiet()
    const seen = new Map(newcomer.all('SUBSCRIBED').map((args) => [args.channel_name, args]))
    expect([...seen.keys()].sort()).toEqual([...channelNames].sort())
    for (const { tab } of this.here)
      expect(tab.conn.status).toBe(tab.socketsAtEnd === undefined ? 'connected' : 'closed')
    const open = this.here.filter(({ tab }) => tab.socketsAtEnd === undefined)
    expect((await this.hub.hub.application.info()).connections).toHaveLength(open.length + 1)

    for (const { id, witnesses } of this.visits) {
      for (const witness of witnesses) {
        const { sub, name } = witness
        const newest = seen.get(name)
        if (!witness.over) {
          expect(sub.status).toBe('subscribed')
          expect(sub.position).toBe(newest?.position)
          expect([...sub.presence].sort()).toEqual([...(newest?.presence ?? [])].sort())
          expect(sub.state).toEqual(newest?.state)
          if (name !== 'quiet') this.#compareHistories(sub.history, newest?.history ?? [])
        }
        witness.end()
        this.#compare(witness, id)
      }
    }
    expect(this.flaws).toEqual([])
    this.#checkPublishes()
    await this.#goodbye()
  }

  subscribe({ tab, witnesses }: Visit, name: Name): void {
    if (tab.socketsAtEnd !== undefined || this.alive({ witnesses }, name).length >= 3) return
    const witness = new Witness<Payload, Name>(tab.conn.subscribe<Payload>(name), name)
    witness.sub.on('gap', (gap) => this.#checkGap(gap))
    witnesses.push(witness)
  }

  alive({ witnesses }: Pick<Visit, 'witnesses'>, name: Name): Witness<Payload, Name>[] {
    return witnesses.filter((witness) => witness.name === name && !witness.over)
  }

  publish({ tab, id }: Visit, name: Name): void {
    const n = ++this.#numbers
    const published: Published = { n, outcomes: [] }
    this.published.push(published)
    tab.conn.publish(name, { n, by: id }).then(
      ({ position = '' }) => published.outcomes.push({ ok: true, word: position, life: this.stored.length - 1 }),
      ({ code }) => published.outcomes.push({ ok: false, word: code, life: this.stored.length - 1 }),
    )
  }

  async #step(one: Step): Promise<void> {
    if ('tab' in one) return this.#stepOfTab(one)
    const { hub } = this.hub
    switch (one.do) {
      case 'rest':
        for (let n = 0; n < one.count; n++) this.#rest(one.channel)
        return
      case 'state':
        return ignored(() => hub.application.setStateKey(one.channel, `key${one.count}`, `${++this.#numbers}` as never))
      case 'turn':
        return this.clock.advance(one.ms)
      case 'settle':
        return quiet()
      case 'mood':
        this.moods.set(one.asked, one.mood)
        return
      case 'options':
        this.#reconfigured = true
        return ignored(() => hub.application.setChannelOptions(one.channel, one.changes))
      case 'destroy':
        this.#destroyed = true
        return ignored(() => hub.application.destroyChannel(one.channel, true))
      case 'restart':
        return this.#restart(one.how)
    }
  }

  async #stepOfTab(one: Extract<Step, { tab: number }>): Promise<void> {
    const visit = this.here[one.tab] as Visit
    const { tab } = visit
    switch (one.do) {
      case 'subscribe':
        return this.subscribe(visit, one.channel)
      case 'cancel': {
        const [witness] = this.alive(visit, one.channel)
        witness?.end()
        witness?.sub.cancel()
        return
      }
      case 'publish':
        for (let n = 0; n < one.count; n++) this.publish(visit, one.channel)
        return
      case 'inside':
        return this.#prepare(visit, one.channel, one.deed)
      case 'cut':
        return tab.line?.cut(one.told)
      case 'cut in a burst':
        // what the page publishes arrives, and the answer does not unless it is among the first
        tab.line?.hold()
        if (tab.socketsAtEnd === undefined) this.publish(visit, one.channel)
        for (let n = 0; n < 6; n++) this.#rest(one.channel)
        await quiet()
        tab.line?.deliver('up', one.count)
        await quiet()
        tab.line?.deliver('down', one.count)
        return tab.line?.cut(one.told)
      case 'hold':
      case 'release':
        return tab.line?.[one.do]()
      case 'deliver up':
      case 'deliver down':
        return tab.line?.deliver(one.do === 'deliver up' ? 'up' : 'down', one.count)
      case 'in pieces':
      case 'whole':
        tab.inPieces = one.do === 'in pieces'
        return
      case 'freeze':
      case 'suspend':
      case 'wake':
        return tab[one.do]()
      case 'unplug':
        tab.online = false
        tab.world.window.dispatchEvent(new Event('offline'))
        return tab.line?.cut('nobody')
      case 'plug in':
        tab.online = true
        tab.world.window.dispatchEvent(new Event('online'))
        return
      case 'leave':
        for (const witness of visit.witnesses) witness.end()
        return tab.conn.disconnect()
      case 'expel':
        return ignored(() => this.hub.hub.application.disconnectUser(tab.user))
      case 'visit':
        if (tab.socketsAtEnd !== undefined) this.here[one.tab] = this.#visit(tab.user)
    }
  }

  #prepare(visit: Visit, name: Name, deed: Deed): void {
    const all = this.alive(visit, name)
    const [witness] = all
    if (witness === undefined) return
    witness.inside = () => {
      witness.inside = undefined
      // it was not the others' turn yet, and now it never is
      const end = (each: Witness<Payload, Name>) => each.end(each === witness || each.name !== name ? 0 : 1)
      switch (deed) {
        case 'cancel':
        case 'again':
          witness.end()
          witness.sub.cancel()
          if (deed === 'again') this.subscribe(visit, name)
          return
        case 'cancel all':
          for (const each of this.alive(visit, name)) {
            end(each)
            each.sub.cancel()
          }
          return
        case 'disconnect':
          for (const each of visit.witnesses) if (!each.over) end(each)
          return visit.tab.conn.disconnect()
        case 'publish':
          return this.publish(visit, name)
        case 'subscribe elsewhere':
          for (const other of channelNames) this.subscribe(visit, other)
      }
    }
  }

  /** Also those that a bundled package sets, which all are due at once. */
  #turnTimersToo(): void {
    vi.stubGlobal('setTimeout', (run: () => void, delay = 0) => this.clock.after(delay, run))
    vi.stubGlobal('clearTimeout', (cancel?: () => void) => cancel?.())
  }

  #visit(user: string): Visit {
    const run = this
    const around = {
      get hub() {
        return run.hub
      },
      get listening() {
        return run.#listening
      },
      random: () => run.random(),
    }
    const visit: Visit = { id: this.visits.length, tab: new Tab(user, around), witnesses: [] }
    visit.tab.conn.on('error', ({ code, message }) => {
      if (code === 'malformed' || code === 'internal') this.flaws.push(`${code}: ${message}`)
    })
    this.visits.push(visit)
    return visit
  }

  #rest(name: Name): void {
    const n = ++this.#numbers
    const publish = { payload: JSON.stringify({ n, by: -1 }) as never, originator: null, messageId: undefined }
    ignored(() => this.hub.hub.application.publish(name, { ...publish, sendHook: false }))
  }

  /** The hub goes, with all that it remembers or leaving that to the next one, which is there at once. */
  async #restart(how: 'crash' | 'stop' | 'remember'): Promise<void> {
    const lines = this.here.map(({ tab }) => tab.line)
    const old = this.hub
    if (how === 'remember') this.#listening = false
    else this.hub = this.#newHub()
    if (how !== 'crash') {
      old.hub.stop()
      for (const line of lines) line?.close(4503, 'the hub is stopping')
      await quiet()
    }
    for (const line of lines) line?.cut('both')
    await old.stop()
    if (how !== 'remember') return
    const stored = this.stored.at(-1) ?? new Map<number, string[]>()
    const next = this.#newHub(stored)
    await next.takeUp(old)
    for (const name of await next.broker.channels.names()) {
      await next.broker.channels.open(name, this.#recorder(stored))
    }
    this.hub = next
    this.#listening = true
  }

  /** `stored`: what became of the publishes that it remembers. */
  #newHub(stored?: Map<number, string[]>): TestHub {
    const answer = (action: Asked, details: object) => () => this.#decide(action, details)
    const options = { presenceful: true, history_size: 5 }
    const hub = new TestHub(
      {
        connect: ({ payload }: { payload: { name: string } }) => this.#decide('connect', { name: payload.name }),
        create_channel: ({ channel_name: name }: { channel_name: Name }) =>
          this.#decide('create_channel', {
            ...options,
            reflective: name !== 'quiet',
            ...(name === 'plain' && { history_size: 0 }),
          }),
        subscribe: answer('subscribe', {}),
        unsubscribe: answer('unsubscribe', {}),
        publish: answer('publish', {}),
        destroy_channel: answer('destroy_channel', {}),
      },
      { linger: 15_000, random: () => this.random() },
      this.clock,
    )
    const life = stored ?? new Map<number, string[]>()
    if (!stored) this.stored.push(life)
    const { channels, log } = hub.broker
    const create = channels.create.bind(channels)
    channels.create = async (name, channelOptions, seed) => {
      const made = await create(name, channelOptions, seed)
      if (made) await channels.open(name, this.#recorder(life))
      return made
    }
    // as with a log that is elsewhere: more is published between its answer and the page's
    const read = log.read.bind(log)
    log.read = async (...args) => {
      const snapshot = await read(...args)
      for (let n = this.random() * 4; n > 2; n--) await new Promise<void>((resolve) => setImmediate(resolve))
      return snapshot
    }
    return hub
  }

  #recorder(stored: Map<number, string[]>): ChannelEar {
    return { heard: (told) => this.#record(told, stored), changed() {}, lost() {}, removed() {} }
  }

  #record({ name, position: { epoch, offset }, frame, at }: Numbered, stored: Map<number, string[]>): void {
    const entries = this.logs.get(epoch) ?? []
    this.logs.set(epoch, entries)
    const payload: Payload | undefined = name === 'PUBLISH' ? JSON.parse(frame.text)[2].payload : undefined
    if (entries.push({ name, at, payload }) !== offset) this.flaws.push(`the log's ${offset} is not the next`)
    if (payload) stored.set(payload.n, [...(stored.get(payload.n) ?? []), `${epoch}:${offset}`])
  }

  async #decide(action: Asked, details: object): Promise<unknown> {
    const mood = this.moods.get(action) ?? 'well'
    if (mood === 'slow') {
      const delay = 300 + this.random() * 3_000
      await new Promise<void>((resolve) => this.clock.after(delay, resolve))
    }
    if (mood === 'failing') throw new Error('down')
    // then a repeat of what is stored would be refused, as its channel is asked for first
    return mood === 'refusing' && action !== 'create_channel' ? refuse('no') : details
  }

  /** Each handler was told what the log holds: in order, once, without holes besides the gaps that it was told of. */
  #compare({ name, stretches, told, flaws }: Witness<Payload, Name>, id: number): void {
    expect(flaws).toEqual([])
    const expected = stretches.flatMap(({ epoch, from, to }) =>
      (this.logs.get(epoch) ?? []).flatMap(({ payload }, index) => {
        const isInside = index + 1 > from && index + 1 <= to
        return payload && isInside && (name !== 'quiet' || payload.by !== id) ? [`${epoch}:${index + 1}`] : []
      }),
    )
    expect(told.map(({ epoch, event }) => `${epoch}:${event.offset}`)).toEqual(expected)
    for (const { epoch, event } of told) {
      expect(event.payload).toEqual(this.logs.get(epoch)?.[(event.offset ?? 0) - 1]?.payload)
    }
  }

  /** A page may have kept what the hub let go of while the page was away, as the history was to be shorter for a while. */
  #compareHistories(page: readonly unknown[], hub: readonly unknown[]): void {
    const kept = page.length - hub.length
    expect(page.slice(Math.max(0, kept))).toEqual(hub)
    if (!this.#reconfigured) expect(kept).toBe(0)
  }

  /** A gap is true, and there only where the hub could not have kept what is lost. */
  #checkGap({ reason, last, now, lost }: GapEvent): void {
    const [epochBefore = '', offsetBefore] = last.split(':')
    const [epochAfter, offsetAfter] = now.split(':')
    if (reason !== (epochBefore === epochAfter ? 'expired' : 'epoch')) this.flaws.push(`${last} to ${now}: ${reason}`)
    if (reason === 'epoch') return
    const firstLost = this.logs.get(epochBefore)?.[Number(offsetBefore)]
    const isOld = firstLost !== undefined && this.clock.now() - firstLost.at >= recoveryWindow
    if (!isOld || lost !== Number(offsetAfter) - Number(offsetBefore))
      this.flaws.push(`${last} to ${now}: ${lost} lost`)
  }

  /** Every publish has settled once, tells the truth, and is stored at most once by any one hub. */
  #checkPublishes(): void {
    for (const stored of this.stored) for (const places of stored.values()) expect(places).toHaveLength(1)
    for (const { n, outcomes } of this.published) {
      expect(outcomes).toHaveLength(1)
      for (const { ok, word, life } of outcomes) {
        const places = this.stored[life]?.get(n) ?? []
        if (ok) expect([n, places]).toEqual([n, [word]])
        else if (word === 'refused') expect([n, places]).toEqual([n, []])
        // the application decided on it while the channel went
        else if (word === 'unknown_channel') expect([n, places, this.#destroyed]).toEqual([n, [], true])
        else if (word === 'offline') expect(this.stored.filter((one) => one.has(n))).toEqual([])
        else expect(['webhook_failed', 'outcome_unknown', 'closed', 'unauthorized']).toContain(word)
      }
    }
  }

  /** Whoever has left, or was put out, never comes back by itself; and nothing is left of anybody. */
  async #goodbye(): Promise<void> {
    for (const { tab } of this.here) tab.conn.disconnect()
    await this.clock.advance(600_000)
    for (const { tab } of this.visits) {
      expect(tab.world.sockets).toHaveLength(tab.socketsAtEnd ?? -1)
      expect(tab.world.window.listeners + tab.world.document.listeners).toBe(0)
    }
    await this.hub.stop()
  }
}

/** Whatever comes of it is not what is looked at. */
function ignored(task: () => unknown): void {
  ;(async () => task())().catch(() => {})
}

/** From 0 to below 1, the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

afterEach(() => {
  vi.unstubAllGlobals()
})

test('whatever happens to pages, lines, hub and application, the five promises hold', async () => {
  const numRuns = Number(process.env.HOOKBOX_RUNS ?? 60)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 120, size: 'max' }), fc.nat(), async (steps, seed) => {
      const run = new Run(seed)
      await run.play(steps)
      await run.end()
    }),
    {
      numRuns,
      // one that stands still is told with its seed
      timeout: 30_000,
      ...(process.env.HOOKBOX_PATH && { path: process.env.HOOKBOX_PATH, endOnFailure: true }),
      ...(process.env.HOOKBOX_SEED && { seed: Number(process.env.HOOKBOX_SEED) }),
    },
  )
}, 600_000)
