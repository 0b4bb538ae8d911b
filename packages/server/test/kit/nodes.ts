import type { Json } from '@hookbox/protocol'
import { deferred, TestClock } from '@hookbox/testkit'
import { expect } from 'vitest'
import type { Broker, NodeEvents } from '../../src/broker/broker.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import type { ConnectionSettings } from '../../src/connection/connection.ts'
import { channelMethods } from '../../src/rest/channel-methods.ts'
import type { Given, Result } from '../../src/rest/fields.ts'
import { serverMethods } from '../../src/rest/server-methods.ts'
import { userMethods } from '../../src/rest/user-methods.ts'
import type { WebhookName } from '../../src/webhooks/callbacks.ts'
import { type Answers, Application, type Call, eventually, type NodeBroker, TestHub, type TestPage } from './hub.ts'

/** One node's part of what all share, and what a test may do to it. */
export interface TestBroker extends NodeBroker {
  /** The others take this node for dead; it finds out, and begins anew under another name. */
  expel(): Promise<void>
}

/** What the nodes of one test share. */
export interface Shared {
  /** Whoever waits for it to settle, waits for the broker too. */
  readonly clock: TestClock
  /** How many users a crowd is, where each takes real time; by default 1,000. */
  readonly crowd?: number
  join(): Promise<TestBroker>
}

export type NodesSetup = () => Promise<Shared>

/** How a node joins. */
export interface Joining {
  /** It takes over from others when this resolves, as if nobody had noticed so far that they are gone. */
  readonly inherits?: Promise<void>
}

export type TestNode = TestHub<TestBroker>

/** Several nodes of one hub, with one application. */
export class Nodes implements AsyncDisposable {
  readonly application: Application
  readonly #shared: Shared
  readonly #settings: Partial<ConnectionSettings>
  readonly #nodes: TestNode[] = []
  /** With the names that they had. */
  readonly #crashed = new Map<TestNode, string>()
  /** Those that take over as soon as they know. */
  readonly #heirs = new Set<TestNode>()
  /** The names of nodes that somebody has taken over from. */
  readonly #inherited = new Set<string>()

  private constructor(shared: Shared, answers: Answers, settings: Partial<ConnectionSettings>) {
    this.#shared = shared
    this.application = new Application(answers)
    this.#settings = settings
  }

  /** Two nodes, `a` and `b`. */
  static async begin(
    setup: NodesSetup,
    answers: Answers = {},
    settings: Partial<ConnectionSettings> = {},
    joining: Joining = {},
  ): Promise<Nodes> {
    const nodes = new Nodes(await setup(), answers, settings)
    await nodes.join(joining)
    await nodes.join(joining)
    return nodes
  }

  get a(): TestNode {
    return this.#at(0)
  }

  get b(): TestNode {
    return this.#at(1)
  }

  get crowd(): number {
    return this.#shared.crowd ?? 1_000
  }

  get answers(): Answers {
    return this.application.answers
  }

  /** What the application was asked, by whichever node, oldest first. */
  get calls(): Call[] {
    return this.application.calls
  }

  /** One more node. */
  async join({ inherits }: Joining = {}): Promise<TestNode> {
    const broker = await this.#shared.join()
    const inheriting = observed(broker, async (dead, takeOver) => {
      await inherits
      await takeOver()
      this.#inherited.add(dead)
    })
    const node = new TestHub(this.application, this.#settings, this.#shared.clock, inheriting)
    this.#nodes.push(node)
    if (!inherits) this.#heirs.add(node)
    await node.started
    return node
  }

  /** The names of the webhooks that were called. */
  actions(): WebhookName[] {
    return this.calls.map(({ action }) => action)
  }

  asked(action: WebhookName): Call[] {
    return this.calls.filter((call) => call.action === action)
  }

  /** What was logged, by any node. */
  logged(): string[] {
    return this.#nodes.flatMap(({ logged }) => logged.map(({ message }) => message))
  }

  /** A node is killed; the others know, and one of them that may has taken over. */
  async crash(node: TestNode): Promise<void> {
    this.#crashed.set(node, node.hub.id)
    const others = this.#nodes.filter((one) => !this.#crashed.has(one))
    // Settles when somebody has taken over, which may be held up.
    node.crash().catch(() => {})
    await this.eventually(async () => {
      for (const { hub } of others) expect(await hub.nodes.names()).not.toContain(this.#crashed.get(node))
      const mayInherit = others.some((one) => this.#heirs.has(one))
      if (mayInherit) this.#expectTakenOver()
    })
  }

  /** Somebody has taken over from all that were killed. */
  async takenOver(): Promise<void> {
    await this.eventually(() => this.#expectTakenOver())
  }

  /** The others take a node for dead, and one of them has taken over; the node has found out. */
  async expel(node: TestNode): Promise<void> {
    const before = node.hub.id
    await node.broker.expel()
    await this.eventually(() => {
      expect(node.hub.id).not.toBe(before)
      expect(this.#inherited).toContain(before)
    })
  }

  /** Waits until the check throws no more. */
  eventually<T>(check: () => T | Promise<T>): Promise<T> {
    return eventually(this.#shared.clock, check)
  }

  /** Whatever happens by itself has happened: what has not come by now does not come. */
  async quiet(): Promise<void> {
    await this.#shared.clock.settle()
  }

  async advance(ms: number): Promise<void> {
    await this.#shared.clock.advance(ms)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#nodes.filter((node) => !this.#crashed.has(node))
    for (const node of running) await node.stop()
    // Whatever happens in a process that is killed, nobody reads of it.
    const bugs = running.flatMap(({ logged }) => logged.filter(isBug))
    expect(bugs.map(({ message, fields }) => [message, String(fields.err)])).toEqual([])
  }

  #expectTakenOver(): void {
    for (const id of this.#crashed.values()) expect(this.#inherited).toContain(id)
  }

  #at(index: number): TestNode {
    const node = this.#nodes[index]
    if (!node) throw new Error('this node has not joined')
    return node
  }
}

function isBug({ level, fields, message }: TestNode['logged'][number]): boolean {
  return level !== 'debug' && fields.err !== undefined && message !== 'webhook failed'
}

/** Nodes over one memory. */
export async function memoryNodes(): Promise<Shared> {
  const clock = new TestClock()
  let memory: MemoryBroker | undefined
  return {
    clock,
    async join() {
      memory = memory?.join() ?? createMemoryBroker(clock)
      return expellable(memory)
    },
  }
}

/** In memory nobody takes a node for dead that is not: here a node vanishes, and takes another one's place in the same process. */
export function expellable(broker: MemoryBroker): TestBroker {
  let now = broker
  let events: NodeEvents | undefined
  let answer: Parameters<Broker['bus']['answer']>[0] | undefined
  const facet = <F extends keyof Broker>(name: F): Broker[F] =>
    new Proxy({}, { get: (_target, key) => Reflect.get(now[name], key) }) as Broker[F]
  const names = ['channels', 'log', 'presence', 'users', 'messages', 'leases'] as const
  const facets = Object.fromEntries(names.map((name) => [name, facet(name)])) as Pick<Broker, (typeof names)[number]>
  return {
    ...facets,
    nodes: {
      get id() {
        return now.nodes.id
      },
      all: () => now.nodes.all(),
      note: (key, what) => now.nodes.note(key, what),
      start: (given) => {
        events = given
        return now.nodes.start(given)
      },
    },
    bus: {
      ask: (node, question) => now.bus.ask(node, question),
      answer: (given) => {
        answer = given
        now.bus.answer(given)
      },
    },
    close: () => now.close(),
    crash: () => now.crash(),
    async expel() {
      const next = now.join()
      await now.crash()
      now = next
      if (answer) now.bus.answer(answer)
      if (events) await now.nodes.start(events)
      events?.expelled(false)
    },
  }
}

/** The same broker; how its node takes over from others is up to the test. */
function observed(
  broker: TestBroker,
  inherit: (dead: string, takeOver: () => Promise<void>) => Promise<void>,
): TestBroker {
  const { channels, log, presence, users, messages, leases, bus, nodes } = broker
  return {
    ...{ channels, log, presence, users, messages, leases, bus },
    nodes: {
      get id() {
        return nodes.id
      },
      all: () => nodes.all(),
      note: (key, what) => nodes.note(key, what),
      start: (events) =>
        nodes.start({
          inherit: (estate) => inherit(estate.node, () => events.inherit(estate)),
          expelled: (fresh) => events.expelled(fresh),
          restore: () => events.restore(),
        }),
    },
    close: () => broker.close(),
    crash: () => broker.crash(),
    expel: () => broker.expel(),
  }
}

// What pages and the application do

/** Calls a REST method of one node, with the fields as they would stand in a JSON body. */
export async function rest(node: TestNode, name: string, fields: { readonly [field: string]: Json }): Promise<Result> {
  const { hub } = node
  const methods = {
    ...channelMethods(hub.application, false),
    ...userMethods(hub.application),
    ...serverMethods(hub, 'test', undefined),
  }
  const given = Object.entries(fields).map(([field, value]): [string, Given] => [field, { value }])
  const method = methods[name]
  if (!method) throw new Error(`there is no REST method ${name}`)
  return method.run(new Map(given))
}

type Answered = Promise<{ [key: string]: Json }>

export function subscribe(page: TestPage, channelName = 'chat', since?: Json): Answered {
  return page.ask('SUBSCRIBE', { channel_name: channelName, since })
}

export function unsubscribe(page: TestPage, channelName = 'chat'): Answered {
  return page.ask('UNSUBSCRIBE', { channel_name: channelName })
}

export function publish(page: TestPage, payload: Json, messageId?: string): Answered {
  return page.ask('PUBLISH', { channel_name: 'chat', payload, message_id: messageId })
}

/** A page that is in the channel. */
export async function enter(node: TestNode, name: string, channelName = 'chat'): Promise<TestPage> {
  const page = await node.page(name)
  await subscribe(page, channelName)
  return page
}

/** From now on whoever enters a channel at this node is on the way to the broker until the test lets it arrive. */
export function holdEntering(node: TestNode) {
  const { presence } = node.broker
  const begun = deferred<Parameters<typeof presence.enter>>()
  const arrived = deferred<void>()
  const enter: typeof presence.enter = async (...args) => {
    begun.resolve(args)
    await arrived.promise
    return presence.enter(...args)
  }
  const held = new Proxy(presence, { get: (target, key) => (key === 'enter' ? enter : Reflect.get(target, key)) })
  Object.assign(node.broker, { presence: held })
  return { begun: begun.promise, arrive: () => arrived.resolve() }
}

/** The payloads that a page was told, in their order. */
export function heard(page: TestPage): Json[] {
  return page.all('PUBLISH').map(({ payload }) => payload)
}

/** Who has come and gone by what a page was told, `+` and `-`. */
export function comings(page: TestPage): string[] {
  return page.frames.flatMap(({ name, args }) => {
    if (name === 'SUBSCRIBE') return [`+${args.user}`]
    return name === 'UNSUBSCRIBE' ? [`-${args.user}`] : []
  })
}

/** A page with what it needs to come back. */
export interface Visit {
  readonly page: TestPage
  readonly name: string
  readonly cookies: string | undefined
  readonly connected: { readonly [key: string]: Json }
}

/** A page that will know what to show when it is back. */
export async function visit(node: TestNode, name: string, cookies?: string): Promise<Visit> {
  return takeUp({ node, name, cookies })
}

/** The page on a new line, at whichever node, with its ticket and where it stands in its channels. */
export function comeBack(node: TestNode, before: Visit, since: { readonly [channel: string]: Json } = {}) {
  const { name, cookies, connected } = before
  const { position } = connected.messages as unknown as { position: string }
  return takeUp({ node, name, cookies, ticket: connected.ticket, messages_since: position, since })
}

async function takeUp(showing: {
  readonly node: TestNode
  readonly name: string
  readonly cookies: string | undefined
  readonly [field: string]: unknown
}): Promise<Visit> {
  const { node, name, cookies, ...shown } = showing
  const page = node.stranger(cookies)
  return { page, name, cookies, connected: await page.ask('CONNECT', { payload: { name }, ...shown }) }
}
