import { type Json, parsePosition, type ServerFrame } from '@hookbox/protocol'
import { expect, test } from 'vitest'
import { Application, type NodeBroker, refuse, TestHub, type TestPage } from '../kit/hub.ts'
import { insideOf } from '../kit/inside.ts'
import { memoryNodes, type Shared } from '../kit/nodes.ts'
import { mulberry32 } from '../kit/random.ts'
import { slowNodes } from '../kit/slow-nodes.ts'

const users = ['ann', 'bob', 'cid', 'dan']
const channels = ['a', 'b', 'c']
const seeds = Array.from({ length: Number(process.env.SEEDS ?? 25) }, (_, i) => Number(process.env.SEED ?? 1) + i)

/** Whatever comes of it is not what the script looks at. */
function ignored(task: () => unknown): void {
  ;(async () => task())().catch(() => {})
}

test.each(seeds)(
  'whatever pages, REST and the application do, every page is told the truth, once and in order, and nothing is left (seed %i)',
  async (seed) => {
    const run = new Run(seed)
    await run.play(250)
    await run.end()
  },
)

test.each(seeds)('and so it is with several nodes, which come, go and are killed (seed %i)', async (seed) => {
  const run = new Run(seed, 3)
  await run.begin(await memoryNodes())
  await run.play(250)
  await run.end()
})

test.each(seeds)('and also where what they share is far away (seed %i)', async (seed) => {
  const run = new Run(seed, 3)
  await run.begin(await slowNodes(mulberry32(seed)))
  await run.play(250)
  await run.end()
})

type Node = TestHub<NodeBroker>

class Run {
  readonly #random: () => number
  readonly #nodes: Node[] = []
  readonly #application: Application
  readonly #settings: { readonly linger: number }
  #shared: Shared | undefined
  readonly #mostNodes: number
  readonly #models: Model[] = []
  /** Who is in which channel by what the application was asked and told. */
  readonly #records = new Set<string>()
  readonly #asking = new Set<string>()
  #orderly = false
  #destroyed = 0

  constructor(seed: number, mostNodes = 1) {
    this.#random = mulberry32(seed)
    this.#mostNodes = mostNodes
    this.#application = new Application({
      connect: ({ payload }: { payload: { name: string } }) =>
        this.#answer({
          name: payload.name,
          auto_subscribe: this.#chance(0.3) ? [this.#pick(channels)] : [],
          per_connection_subscriptions: payload.name !== 'dan',
          global_unsubscriptions: payload.name === 'cid',
        }),
      create_channel: () =>
        this.#decide(() => ({
          presenceful: true,
          history_size: 5,
          moderated: this.#chance(0.8),
          server_presenceful: this.#chance(0.5),
          server_user_presence: ['ann', 'bob'],
        })),
      subscribe: (fields: Record<string, unknown>) => this.#alone('subscribe', fields),
      unsubscribe: (fields: Record<string, unknown>) => this.#alone('unsubscribe', fields),
      publish: () =>
        this.#decide(() => ({
          only_to_sender: this.#chance(0.1),
          ...(this.#chance(0.1) && { auto_unsubscribe: [this.#pickToLeave()] }),
          ...(this.#chance(0.1) && { auto_subscribe: [this.#pick(channels)] }),
        })),
      message: () => this.#decide(() => ({})),
      destroy_channel: () => this.#decide(() => ({})),
      disconnect: () => this.#decide(() => ({})),
    })
    this.#settings = { linger: this.#chance(0.5) ? 2_000 : 0 }
    if (mostNodes === 1) this.#nodes.push(new TestHub(this.#application, this.#settings) as Node)
  }

  /** Several nodes begin. */
  async begin(shared: Shared): Promise<void> {
    this.#shared = shared
    while (this.#nodes.length < this.#mostNodes) await this.#join(shared)
  }

  /** Any of the nodes. */
  get hub(): Node {
    return this.#nodes.length === 1 ? (this.#nodes[0] as Node) : this.#pick(this.#nodes)
  }

  get clock(): Node['clock'] {
    return (this.#nodes[0] as Node).clock
  }

  async play(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.#step()
      if (this.#chance(0.5)) await this.clock.settle()
      if (this.#chance(0.3)) await this.clock.advance(Math.floor(this.#random() * 1_500))
      if (this.#chance(0.2)) await this.#check()
      if (this.#mostNodes === 1 && this.#chance(0.01)) await this.#restart()
      if (this.#mostNodes > 1 && this.#chance(0.04)) await this.#changeNodes()
    }
  }

  /** Everybody goes, the application is well again: nothing is left of anything. */
  async end(): Promise<void> {
    this.#orderly = true
    await this.clock.advance(30_000)
    await this.#check()
    for (const { page } of this.#models) page.cut(1006)
    for (const name of channels) {
      if ((await this.hub.hub.application.info()).channels.includes(name))
        ignored(() => this.hub.hub.application.setChannelOptions(name, { history_size: 1 }))
    }
    await this.clock.advance(700_000)
    // A channel that the application kept is its own to end.
    for (const name of (await this.hub.hub.application.info()).channels)
      await this.hub.hub.application.destroyChannel(name, false)
    await this.clock.advance(1_000)
    expect(await this.hub.hub.application.info()).toEqual({ channels: [], connections: [], users: [] })
    expect(await this.hub.broker.channels.names()).toEqual([])
    expect(this.clock.pending).toBe(0)
    expect([...this.#records]).toEqual([])
    for (const { hub } of this.#nodes) {
      const sizes = insideOf(hub)
      expect(Object.keys(sizes).length).toBeGreaterThan(5)
      expect(Object.entries(sizes).filter(([, size]) => size > 0)).toEqual([])
    }
    const logged = this.#nodes.flatMap((node) => node.logged)
    const bugs = logged.filter(({ fields, message }) => fields.err && message !== 'webhook failed')
    expect(bugs.map(({ message, fields }) => [message, String(fields.err)])).toEqual([])
  }

  #step(): void {
    const { hub } = this.hub
    const live = this.#models.filter(({ page }) => page.end === undefined)
    const { page, positions } = live.length > 0 ? this.#pick(live) : this.#connect()
    const channel = this.#pick(channels)
    const user = this.#pick(users)
    const action = Math.floor(this.#random() * 22)
    if (action < 2 && live.length < 8) this.#connect()
    else if (action < 6) {
      const since = this.#chance(0.5) ? positions.get(channel) : undefined
      this.#models.find((model) => model.page === page)?.subscribe(channel, since)
    } else if (action < 8) this.#models.find((model) => model.page === page)?.unsubscribe(channel)
    else if (action < 12) {
      const message_id = this.#chance(0.3) ? `m${Math.floor(this.#random() * 4)}` : undefined
      page.say('PUBLISH', { channel_name: channel, payload: this.#random(), message_id })
    } else if (action === 12) page.cut(this.#chance(0.5) ? 1006 : 1000)
    else if (action === 13) page.say('MESSAGE', { name: user, payload: 1, message_id: 'm' })
    else if (action === 14) ignored(() => hub.application.subscribeUser(channel, user, false))
    else if (action === 15) {
      ignored(() => hub.application.unsubscribeUser(channel, user, false))
      this.#records.delete(`${user}@${channel}`)
    } else if (action === 16)
      ignored(() => hub.application.setChannelOptions(channel, { history_size: Math.floor(this.#random() * 9) }))
    else if (action === 17)
      ignored(() => hub.application.setStateKey(channel, this.#pick(['x', 'y']), String(this.#random()) as never))
    else if (action === 18 && this.#chance(0.5)) {
      // Whoever enters meanwhile may be put out with the others.
      const destroyed = () => {
        this.#destroyed++
        this.#forget(channel)
      }
      destroyed()
      ignored(() => hub.application.destroyChannel(channel, false).finally(destroyed))
    } else if (action >= 20) this.#comeBack()
    else if (this.#chance(0.3)) ignored(() => hub.application.disconnectUser(user))
    else
      ignored(() =>
        hub.application.publish(channel, {
          payload: '1' as never,
          originator: null,
          messageId: undefined,
          sendHook: false,
        }),
      )
  }

  #connect(): Model {
    const model = new Model(this.hub.stranger())
    this.#models.push(model)
    model.page.say('CONNECT', { payload: { name: this.#pick(users) } })
    return model
  }

  /** The hub is stopped and started again, with what it knew. */
  async #restart(): Promise<void> {
    await this.#decideAll()
    const faults = this.hub.logged.splice(0)
    const next = await (this.hub as TestHub).restart(Math.floor(this.#random() * 1_000))
    this.#nodes.splice(0, 1, next as Node)
    this.hub.logged.push(...faults)
  }

  /** A node comes, or one is killed or stopped: the others take over what it had. */
  async #changeNodes(): Promise<void> {
    await this.#decideAll()
    if (this.#shared && this.#nodes.length < this.#mostNodes) return this.#join(this.#shared)
    const [gone] = this.#nodes.splice(Math.floor(this.#random() * this.#nodes.length), 1)
    let isTakenOver = false
    const going = (this.#chance(0.5) ? gone?.crash() : gone?.stop())?.finally(() => {
      isTakenOver = true
    })
    // Whoever takes over may have to wait for what the application is asked.
    for (await this.clock.settle(); !isTakenOver; await this.clock.advance(100));
    await going
  }

  async #join(shared: Shared): Promise<void> {
    const node = new TestHub<NodeBroker>(this.#application, this.#settings, shared.clock, await shared.join())
    this.#nodes.push(node)
    await node.started
  }

  /** What is under way is decided, as calls of one hub and of the next cannot be told apart. */
  async #decideAll(): Promise<void> {
    this.#orderly = true
    await this.clock.advance(3_000)
    this.#orderly = false
  }

  /** A page whose line broke opens another one, and goes on where it was. */
  #comeBack(): void {
    const broken = this.#models.filter(
      (model) => [1006, 4503].includes(model.page.end?.code ?? 0) && model.ticket !== undefined,
    )
    if (broken.length === 0) return
    const before = this.#pick(broken)
    const model = new Model(this.hub.stranger(), before)
    this.#models.push(model)
    model.page.say('CONNECT', {
      payload: { name: before.user },
      ticket: before.ticket,
      since: Object.fromEntries(model.restored),
      messages_since: before.messages,
    })
    before.ticket = undefined
    for (const name of before.asked) model.subscribe(name, model.restored.get(name))
  }

  /** What a page was told is how things are. */
  async #check(): Promise<void> {
    await this.clock.settle()
    for (const { page, inside, flaws, user } of this.#models) {
      expect(flaws).toEqual([])
      if (page.end !== undefined) continue
      expect([...inside.keys()].sort(), `where ${user} is`).toEqual([...page.connection.channels].sort())
      for (const [name, channel] of inside) {
        const { subscribers, options } = await this.hub.hub.application.channelInfo(name)
        expect([...channel.presence].sort(), `who is in ${name} for ${user}`).toEqual([...subscribers].sort())
        expect(channel.state, `the state of ${name} for ${user}`).toEqual(options.state)
      }
    }
  }

  /** Calls for one user and channel are made one after another. */
  async #alone(action: 'subscribe' | 'unsubscribe', fields: Record<string, unknown>): Promise<unknown> {
    const key = `${fields.user}@${fields.channel_name}`
    expect(this.#asking.has(key), `${action} of ${key} while another is asked`).toBe(false)
    this.#asking.add(key)
    try {
      // Told or tried: whoever comes back meanwhile ends the tries.
      if (action === 'unsubscribe') this.#records.delete(key)
      const destroyed = this.#destroyed
      const answer = await this.#decide(() => ({}))
      const isIn = action === 'subscribe' && JSON.stringify(answer) === '{}' && destroyed === this.#destroyed
      if (isIn) this.#records.add(key)
      return answer
    } finally {
      this.#asking.delete(key)
    }
  }

  async #decide(details: () => object): Promise<unknown> {
    await this.#pause()
    if (!this.#orderly && this.#chance(0.1)) throw new Error('down')
    return !this.#orderly && this.#chance(0.1) ? refuse('no') : details()
  }

  async #answer(details: object): Promise<object> {
    await this.#pause()
    return details
  }

  async #pause(): Promise<void> {
    if (this.#orderly || this.#chance(0.6)) return
    const delay = Math.floor(this.#random() * 2_000)
    await new Promise<void>((resolve) => this.clock.after(delay, resolve))
  }

  /** A channel for whoever it is to leave: the application knows of it then. */
  #pickToLeave(): string {
    const channel = this.#pick(channels)
    this.#forget(channel)
    return channel
  }

  #forget(channel: string): void {
    for (const key of this.#records) if (key.endsWith(`@${channel}`)) this.#records.delete(key)
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T
  }
}

interface Inside {
  offset: number
  presence: Set<string>
  state: { [key: string]: Json }
  /** Frames that a page missed and that follow its `SUBSCRIBED`. */
  missed: { next: number; left: number } | undefined
}

/** A page that believes what it is told, and notes where that cannot be. */
class Model {
  readonly page: TestPage
  readonly inside = new Map<string, Inside>()
  readonly positions = new Map<string, string>()
  readonly flaws: string[] = []
  user = ''
  ticket: string | undefined
  /** Where it stands in the user's private messages. */
  messages: string | undefined
  /** The channels that it asked for by itself. */
  readonly asked = new Set<string>()
  /** Where it stood in its channels when it came back. */
  readonly restored = new Map<string, string>()
  readonly #since = new Map<number, string | undefined>()
  /** What it knew of each channel when it was there last. */
  readonly #known = new Map<string, Inside>()
  readonly #unsubscribing = new Map<number, string>()

  constructor(page: TestPage, before?: Model) {
    this.page = page
    for (const [name, inside] of before?.inside ?? []) {
      const position = before?.positions.get(name)
      if (position === undefined || inside.missed) continue
      this.restored.set(name, position)
      this.#known.set(name, { ...inside, presence: new Set(inside.presence), state: { ...inside.state } })
      this.positions.set(name, position)
    }
    this.messages = before?.messages
    const { frames } = page
    const push = frames.push.bind(frames)
    frames.push = (...more) => {
      for (const frame of more) this.#hear(frame)
      return push(...more)
    }
  }

  subscribe(channel: string, since: string | undefined): void {
    // Noted before, as the answer may come at once.
    const id = this.page.nextId
    this.#since.set(id, since)
    this.asked.add(channel)
    this.page.say('SUBSCRIBE', { channel_name: channel, since })
  }

  unsubscribe(channel: string): void {
    this.#unsubscribing.set(this.page.nextId, channel)
    this.asked.delete(channel)
    this.page.say('UNSUBSCRIBE', { channel_name: channel })
  }

  #hear({ id, name, args }: ServerFrame): void {
    if (name === 'CONNECTED') this.#connected(args)
    else if (name === 'MESSAGE') this.#messaged(args.offset)
    else if (name === 'SUBSCRIBED') this.#subscribed(id, args)
    else if (name === 'UNSUBSCRIBED') {
      this.inside.delete(args.channel_name)
      this.asked.delete(args.channel_name)
    } else if (name === 'RESULT' && this.#unsubscribing.has(id)) this.inside.delete(this.#unsubscribing.get(id) ?? '')
    else if ('offset' in args && 'channel_name' in args && args.offset !== undefined) {
      const channel = this.inside.get(args.channel_name)
      if (!channel) return void this.flaws.push(`${name} for ${args.channel_name}, where it is not`)
      if (!this.#counts(channel, args.channel_name, args.offset)) return
      if (name === 'SUBSCRIBE') this.#expect(!channel.presence.has(args.user), `${args.user} joined twice`)
      if (name === 'UNSUBSCRIBE') this.#expect(channel.presence.has(args.user), `${args.user} left twice`)
      if (name === 'SUBSCRIBE') channel.presence.add(args.user)
      if (name === 'UNSUBSCRIBE') channel.presence.delete(args.user)
      if (name === 'STATE_UPDATE') {
        for (const key of args.deletes) delete channel.state[key]
        Object.assign(channel.state, args.updates)
      }
    }
  }

  #connected({ name, ticket, messages }: Extract<ServerFrame, { name: 'CONNECTED' }>['args']): void {
    this.user = name
    this.ticket = ticket
    if (!messages?.recovered) this.messages = messages?.position
  }

  #messaged(offset: number | undefined): void {
    const [epoch, last] = (this.messages ?? '').split(':')
    this.#expect(offset === Number(last) + 1, `message ${offset} after ${last}`)
    this.messages = `${epoch}:${offset}`
  }

  /** Whether an entry is news; a page that was in already may have had what it asked to have repeated. */
  #counts(channel: Inside, name: string, offset: number): boolean {
    if (channel.missed) {
      this.#expect(offset === channel.missed.next, `${name}: missed ${offset}, not ${channel.missed.next}`)
      channel.missed.next++
      if (--channel.missed.left === 0) channel.missed = undefined
      if (offset <= channel.offset) return false
    }
    this.#expect(offset === channel.offset + 1, `${name}: ${offset} after ${channel.offset}`)
    channel.offset = offset
    this.positions.set(name, `${this.positions.get(name)?.split(':')[0]}:${offset}`)
    return true
  }

  #subscribed(id: number, args: Extract<ServerFrame, { name: 'SUBSCRIBED' }>['args']): void {
    const { channel_name: name } = args
    const now = this.inside.get(name)
    const offset = parsePosition(args.position)?.offset ?? -1
    const since = parsePosition(this.#since.get(id) ?? (id === 0 ? this.restored.get(name) : undefined) ?? '')
    if (args.recovered) {
      // The page asked from where it was then; what it has heard since is repeated.
      const kept = now ?? this.#known.get(name)
      if (!kept || !since)
        return void this.flaws.push(
          `${name}: recovered what it never had ${JSON.stringify([id, kept, since, this.restored.get(name), [...this.#since], this.page.frames])}`,
        )
      kept.missed = args.missed ? { next: since.offset + 1, left: args.missed } : undefined
      this.inside.set(name, kept)
      return
    }
    if (id === 0 && now)
      this.#expect(now.offset === offset, `${name}: options changed at ${offset}, it is at ${now.offset}`)
    const inside: Inside = { offset, presence: new Set(args.presence), state: { ...args.state }, missed: undefined }
    this.inside.set(name, inside)
    this.#known.set(name, inside)
    this.positions.set(name, args.position)
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.flaws.push(otherwise)
  }
}
