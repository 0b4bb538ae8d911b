import { HookboxError, type Json, type JsonText, type Position } from '@hookbox/protocol'
import type { TestClock } from '@hookbox/testkit'
import type { Appending, Broker, Lease, LeaseKey, Retention, Stop, Unnumbered } from '../../src/broker/broker.ts'
import { PreparedFrame } from '../../src/transport/prepared-frame.ts'
import { connectionOf, json, RecordingEar, RecordingUserEar, stateOf, ticketOf } from '../contracts/broker/kit.ts'

/** Random numbers that are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * Does so many things at random over several nodes, one after another, and tells what came of each, and what was heard. The
 * same seed does the same, whatever keeps the data; what is drawn by lot there is called by its order.
 */
export async function runScript(
  nodes: readonly Broker[],
  clock: TestClock,
  seed: number,
  steps: number,
): Promise<string[]> {
  const script = new RandomScript(nodes, clock, randomOf(seed))
  for (let step = 0; step < steps; step++) await script.step()
  return script.end()
}

const channels = ['chat', '{c}:meta', '__proto__']
const users = ['ann', 'b}b', '🦊 "c"']
const connections = ['1', '2', '3']
const keys = ['a', 'b', '__proto__', 'x y']

class RandomScript {
  readonly #nodes: readonly Broker[]
  readonly #clock: TestClock
  readonly #random: () => number
  readonly #told: string[] = []
  readonly #positions: Position[] = [{ epoch: 'none', offset: 0 }]
  readonly #cursors: string[] = ['x.f.1.2']
  readonly #leases: Lease[] = []
  readonly #ears: {
    readonly channel: string
    readonly ear: RecordingEar
    readonly heard: string[]
    readonly stop: Stop
  }[] = []
  readonly #userEars: {
    readonly user: string
    readonly ear: RecordingUserEar
    readonly heard: string[]
    readonly stop: Stop
  }[] = []
  #ends = 0

  constructor(nodes: readonly Broker[], clock: TestClock, random: () => number) {
    this.#nodes = nodes
    this.#clock = clock
    this.#random = random
  }

  async step(): Promise<void> {
    const [name, act] = this.#one(this.#acts())
    const node = this.#one([...this.#nodes.keys()])
    let outcome: unknown
    try {
      outcome = await act(this.#nodes[node] as Broker)
    } catch (error) {
      if (!(error instanceof HookboxError)) throw error
      outcome = `${error.code}: ${error.message}`
    }
    this.#told.push(`${name} at ${node}: ${shown(outcome)}`)
  }

  async end(): Promise<string[]> {
    while (this.#ears.length > 0) await this.#stopEar()
    while (this.#userEars.length > 0) await this.#stopUserEar()
    return named(this.#told)
  }

  #acts(): readonly (readonly [name: string, act: (node: Broker) => Promise<unknown>])[] {
    const channel = this.#one(channels)
    const user = this.#one(users)
    // Ids and tickets are drawn by lot, so that no two users have the same.
    const connection = `${this.#one(connections)} of ${user}`
    const ticket = `ticket ${this.#below(2)} of ${connection}`
    const who = { user, connection }
    const idKey = this.#maybe(`id ${this.#below(4)}`)
    const keep = this.#keep()
    const leaseKey = this.#leaseKey(channel, user)
    const position = this.#one(this.#positions)
    const number = this.#below(1_000)
    const seen = <T extends { readonly top: Position }>(page: T) => {
      this.#positions.push(page.top)
      return page
    }
    return [
      ['create', (node) => node.channels.create(channel, json(number), this.#seed(keep))],
      ['remove', (node) => node.channels.remove(channel, this.#maybe('unused' as const))],
      ['load', (node) => node.channels.load(channel)],
      ['look', (node) => node.channels.look(channel)],
      ['keep', (node) => node.channels.keep(channel, this.#below(4))],
      ['names', async (node) => (await node.channels.names()).sort()],
      ['change', (node) => this.#change(node, channel, keep)],
      ['change', (node) => this.#change(node, channel, keep)],
      ...Array.from(
        { length: 6 },
        () => ['append', (node: Broker) => this.#append(node, channel, idKey, keep)] as const,
      ),
      ['append at once', (node) => this.#appendAtOnce(node, channel, keep)],
      ['append at once', (node) => this.#appendAtOnce(node, channel, keep)],
      ['recall', (node) => node.log.recall(channel, `id ${this.#below(4)}`)],
      [
        'remember',
        (node) => node.log.remember(channel, `id ${this.#below(4)}`, new PreparedFrame(`[0,"X",{"n":${number}}]`)),
      ],
      ['read', async (node) => seen(await node.log.read(channel, keep, this.#maybe(position)))],
      ['read', async (node) => seen(await node.log.read(channel, keep, position))],
      ['history', (node) => this.#history(node, channel, keep)],
      ['history', (node) => this.#history(node, channel, keep)],
      [
        'enter',
        (node) =>
          node.presence.enter(channel, who, coming('SUBSCRIBE', user), { ...this.#how(keep), anyway: this.#flip() }),
      ],
      [
        'enter',
        (node) =>
          node.presence.enter(channel, who, coming('SUBSCRIBE', user), { ...this.#how(keep), anyway: this.#flip() }),
      ],
      [
        'leave',
        (node) =>
          node.presence.leave(channel, who, coming('UNSUBSCRIBE', user), this.#how(keep), this.#maybe(owed(number))),
      ],
      ['present', (node) => this.#find(node, channel, user)],
      ['expect', (node) => this.#find(node, channel, user, connection)],
      ['withdraw', (node) => node.presence.withdraw(channel, who)],
      ['provide', (node) => node.presence.provide(channel, user, this.#maybe(json(number)))],
      [
        'settle',
        async (node) => node.presence.settle(channel, user, (await this.#owedId(node, channel, user)) ?? 'none'),
      ],
      [
        'connect',
        (node) =>
          node.users.enter(connectionOf(connection, user), { byDefault: { a: number }, changes: this.#options() }),
      ],
      [
        'connect',
        (node) =>
          node.users.enter(connectionOf(connection, user), { byDefault: { a: number }, changes: this.#options() }),
      ],
      ['update', (node) => this.#update(node, user, connection, ticket)],
      ['disconnect', (node) => node.users.leave(user, connection)],
      ['options', (node) => node.users.changeOptions(user, this.#options())],
      ['user', (node) => node.users.find(user)],
      ['ticket', (node) => node.users.takeTicket(ticket)],
      ['claim', (node) => node.users.claim(user, connection)],
      ['here', (node) => node.users.areHere(users)],
      [
        'all',
        async (node) => {
          const all = await node.users.all()
          return [...all].map(([name, live]) => [name, [...live].sort()]).sort()
        },
      ],
      ['send', (node) => node.messages.send(user, `"payload":${number}`)],
      ['send', (node) => node.messages.send(user, `"payload":${number}`)],
      ['messages', async (node) => seen(await node.messages.read(user, this.#maybe(position)))],
      ['sent', (node) => node.messages.sent(user, `id ${this.#below(4)}`)],
      ['was sent', (node) => node.messages.wasSent(user, `id ${this.#below(4)}`)],
      [
        'take',
        async (node) => {
          const lease = await node.leases.take(leaseKey)
          if (lease) this.#leases.push(lease)
          return lease !== undefined
        },
      ],
      ['release', async () => this.#leases.splice(0, 1)[0]?.release()],
      ['open', (node) => this.#openEar(node, channel)],
      ['listen', (node) => this.#listen(node, user)],
      ['stop', () => this.#stopEar()],
      ['stop hearing of a user', () => this.#stopUserEar()],
      ['wait', () => this.#clock.advance(this.#one([1, 1_000, 100_000, 299_999, 300_000]))],
    ]
  }

  async #append(node: Broker, channel: string, idKey: string | undefined, keep: Retention): Promise<unknown> {
    const inside = `"payload":${this.#below(1_000)},"text":"${'x'.repeat(this.#one([0, 10, 5_000]))}"`
    const what: Unnumbered = {
      name: this.#one(['PUBLISH', 'PUBLISH', 'SUBSCRIBE']),
      inside,
      at: this.#clock.now(),
      origin: this.#maybe('me'),
    }
    const appended = await node.log.append(channel, what, {
      ...this.#how(keep),
      ...(idKey === undefined ? {} : { idKey }),
    })
    if ('position' in appended) this.#positions.push(appended.position)
    return appended
  }

  /** Without waiting for one another, mostly with the same bounds. */
  async #appendAtOnce(node: Broker, channel: string, keep: Retention): Promise<unknown> {
    const many = Array.from({ length: 1 + this.#below(12) }, () => {
      const idKey = this.#maybe(`id ${this.#below(4)}`)
      return this.#append(node, channel, idKey, this.#below(8) === 0 ? this.#keep() : keep)
    })
    const outcomes = await Promise.allSettled(many)
    return outcomes.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))
  }

  async #change(node: Broker, channel: string, keep: Retention): Promise<unknown> {
    const record = await node.channels.load(channel)
    const revision = (record?.revision ?? 1) - (this.#below(5) === 0 ? 1 : 0)
    const history = this.#maybe(this.#seed(keep).history)
    const state = this.#maybe(stateOf({ [this.#one(keys)]: this.#below(9) }, [this.#one(keys)]))
    return node.channels.change(channel, revision, {
      options: this.#maybe(json(this.#below(99))),
      history,
      state,
      keep,
    })
  }

  async #history(node: Broker, channel: string, keep: Retention): Promise<unknown> {
    const limit = 1 + this.#below(5)
    const range = this.#one([
      { limit },
      { limit, cursor: this.#one(this.#cursors) },
      { limit, since: this.#one(this.#positions) },
      { limit, before: this.#one(this.#positions) },
      { limit, since: this.#one(this.#positions), before: this.#one(this.#positions) },
    ])
    const piece = await node.log.history(channel, keep, range)
    if (piece.cursor !== undefined) this.#cursors.push(piece.cursor)
    return piece
  }

  async #find(node: Broker, channel: string, user: string, connection?: string): Promise<unknown> {
    const { presence } = node
    const who = connection === undefined ? undefined : { user, connection }
    const present = await (who ? presence.expect(channel, who) : presence.find(channel, user))
    return { ...present, connections: [...present.connections].sort() }
  }

  async #owedId(node: Broker, channel: string, user: string): Promise<string | undefined> {
    return (await node.presence.find(channel, user).catch(() => undefined))?.owed?.id
  }

  #update(node: Broker, user: string, connection: string, text: string): Promise<unknown> {
    const ticket = this.#one([undefined, null, ticketOf(text)])
    return node.users.update(user, connection, {
      live: this.#flip(),
      ...(this.#flip() ? { cookies: this.#maybe('b=2') } : {}),
      ...(ticket === undefined ? {} : { ticket }),
      channels: new Map([
        [this.#one(channels), this.#one(['asked' as const, 'given' as const, 'promised' as const, null])],
      ]),
    })
  }

  async #openEar(node: Broker, channel: string): Promise<unknown> {
    const ear = new RecordingEar()
    const opened = await node.channels.open(channel, ear)
    if (opened) this.#ears.push({ channel, ear, heard: [], stop: opened.stop })
    return opened?.record
  }

  async #listen(node: Broker, user: string): Promise<void> {
    const ear = new RecordingUserEar()
    this.#userEars.push({ user, ear, heard: [], stop: await node.users.listen(user, ear) })
  }

  /** Everything that it was to hear it has heard when it hears something last. */
  async #stopEar(): Promise<void> {
    const [first] = this.#ears.splice(0, 1)
    if (!first) return
    const { channel, ear, heard, stop } = first
    const node = this.#nodes[0] as Broker
    const end = json({ end: ++this.#ends })
    const record = await node.channels.load(channel)
    if (record) await node.channels.change(channel, record.revision, { options: end, keep: none })
    while (heard.at(-1) !== 'removed' && !heard.at(-1)?.endsWith(end)) heard.push(await ear.next())
    stop()
    this.#told.push(
      `of ${channel} was heard: ${heard.join(', ')}; ${ear.numbered.map(({ frame }) => frame.text).join(' ')}`,
    )
  }

  async #stopUserEar(): Promise<void> {
    const [first] = this.#userEars.splice(0, 1)
    if (!first) return
    const { user, ear, heard, stop } = first
    const node = this.#nodes[0] as Broker
    const end = ++this.#ends
    await node.users.enter(connectionOf(`end ${end}`, user), { byDefault: {}, changes: {} })
    await node.users.changeOptions(user, { end })
    while (!heard.at(-1)?.includes(`"end":${end}`)) heard.push(await ear.next())
    stop()
    await node.users.leave(user, `end ${end}`)
    const sorted = heard.map((one) => (one.startsWith('changed ') ? `changed ${shown(JSON.parse(one.slice(8)))}` : one))
    this.#told.push(`of ${user} was heard: ${sorted.join(', ')}`)
  }

  #how(keep: Retention): Appending {
    return { told: this.#flip(), kept: this.#flip(), keep }
  }

  #keep(): Retention {
    return {
      size: this.#one([0, 2, 5, 100]),
      duration: this.#one([0, 0, 1_000, 100_000]),
      publishOnly: this.#below(4) === 0,
    }
  }

  #seed(keep: Retention) {
    const history = Array.from({ length: this.#below(4) }, (_, n) => ({
      what: {
        name: this.#one(['PUBLISH' as const, 'SUBSCRIBE' as const]),
        inside: `"payload":${n}`,
        at: this.#clock.now() - n,
      },
      idKey: this.#maybe(`id ${this.#below(4)}`),
    }))
    const state = new Map<string, JsonText>(keys.slice(0, this.#below(4)).map((key) => [key, json(key)]))
    return { history, state, keep }
  }

  #options(): { readonly [name: string]: Json } {
    return this.#one([{}, { b: this.#below(9) }, { c: [], d: {}, e: null }])
  }

  #leaseKey(channel: string, user: string): LeaseKey {
    return this.#one<LeaseKey>([
      { of: 'create', channel },
      { of: 'destroy', channel },
      { of: 'visit', channel, user },
      { of: 'publish', channel, idKey: user },
      { of: 'message', user, id: channel },
    ])
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #flip(): boolean {
    return this.#below(2) === 0
  }

  #maybe<T>(value: T): T | undefined {
    return this.#flip() ? value : undefined
  }

  #one<T>(all: readonly T[]): T {
    return all[this.#below(all.length)] as T
  }
}

const none: Retention = { size: 0, duration: 0, publishOnly: false }

function coming(name: 'SUBSCRIBE' | 'UNSUBSCRIBE', user: string): Unnumbered {
  return { name, inside: `"user":${JSON.stringify(user)}`, at: 0 }
}

function owed(number: number) {
  return { id: `msg ${number}`, cookies: number % 2 ? 'a=1' : undefined, address: undefined }
}

/** The same text for the same thing, in whichever order its fields are. A state keeps its order. How big it is was not asked for. */
function shown(value: unknown): string {
  if (value instanceof PreparedFrame) return value.text
  if (value instanceof Map) {
    const entries = [...value].map(([key, one]) => `${key}=${shown(one)}`)
    const isMemberships = [...value.values()].every((one) => one === 'asked' || one === 'given')
    return `{${(isMemberships ? entries.sort() : entries).join(' ')}}`
  }
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const fields = Object.entries(value).filter(([name, one]) => one !== undefined && name !== 'bytes')
  return `{${fields
    .map(([name, one]) => `${name}: ${shown(one)}`)
    .sort()
    .join(', ')}}`
}

/** What was drawn by lot, by the order in which it was seen first. */
function named(lines: readonly string[]): string[] {
  const names = new Map<string, string>()
  return lines.map((line) =>
    line.replace(/[0-9a-f]{32}/g, (drawn) => {
      const name = names.get(drawn) ?? `#${names.size}`
      names.set(drawn, name)
      return name
    }),
  )
}
