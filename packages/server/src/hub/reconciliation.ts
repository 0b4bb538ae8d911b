import type { Broker, ConnectionRecord, Visitor } from '../broker/broker.ts'
import type { Clock } from '../clock.ts'
import { insist } from '../insist.ts'
import type { Background } from './background.ts'
import type { Channels } from './channels.ts'
import type { Notes } from './notes.ts'
import type { ConnectionName, NodeVerbs, OtherNodes } from './other-nodes.ts'
import type { Takeover } from './takeover.ts'
import { readUserOptions, writeUserOptions } from './user-options.ts'
import type { UserConnection, Users } from './users.ts'

export interface ReconciliationParts {
  readonly broker: Broker
  readonly clock: Clock
  readonly users: Users
  readonly channels: Channels
  readonly notes: Notes
  readonly background: Background
  readonly nodes: () => OtherNodes
  readonly takeover: Pick<Takeover, 'claimOne' | 'letGo'>
  readonly stopping: () => boolean
}

/**
 * Milliseconds after which what is still wrong is taken away. Other nodes have written again by then what is theirs, and who
 * was just coming or going has come or gone.
 */
const grace = 5_000

/** Users, channels or connections that are looked at together. */
const atOnce = 100

/**
 * What the broker holds, and what is here, after it may have lost something, as where a replica took its master's place that
 * had not heard everything. What was lost is written again. What had been taken away and is back is taken away again:
 * connections that have ended, and who is in a channel by them.
 */
export class Reconciliation {
  readonly #parts: ReconciliationParts
  /** What these are in could not be noted. */
  readonly #unnoted = new Set<UserConnection>()
  /** What is being noted of connections, by their ids. */
  readonly #noting = new Map<string, Promise<void>>()
  readonly #noteEverything: () => Promise<void>
  readonly #sweep: () => Promise<void>

  constructor(parts: ReconciliationParts) {
    this.#parts = parts
    const { clock, users, stopping } = parts
    const untilDone = (task: () => Promise<void>) => async () => {
      await insist(task, { clock, matters: () => !stopping() })
    }
    const noteEverything = async () => {
      await Promise.all([...users.connections()].map((connection) => this.#noteAll(connection)))
    }
    this.#noteEverything = onceMore(untilDone(noteEverything))
    this.#sweep = onceMore(async () => {
      await this.#afterGrace()
      await untilDone(() => this.#lookForGhosts())()
    })
  }

  /** What this node does for the others. */
  get verbs(): Pick<NodeVerbs, 'disown'> {
    return {
      disown: async ({ connections }) => {
        const unknown = connections.filter(({ id }) => !this.#parts.users.connection(id))
        if (unknown.length > 0) this.#parts.background('ending what is here no more', () => this.#endUnknown(unknown))
        return null
      },
    }
  }

  /** Where it is under way already, it is done once more after that. */
  async run(): Promise<void> {
    await this.#noteEverything()
    await this.#sweep()
  }

  /** Settles when what is being noted of a connection has been, or has failed. */
  async noted(connectionId: string): Promise<void> {
    await this.#noting.get(connectionId)?.catch(() => {})
  }

  /** What could not be noted of a connection is noted once more, all of it, as soon as that can be. */
  async noteAgain(connectionId: string): Promise<void> {
    const { users, clock, stopping } = this.#parts
    const connection = users.connection(connectionId)
    if (!connection || this.#unnoted.has(connection)) return
    this.#unnoted.add(connection)
    const isHere = () => !connection.gone && users.connection(connectionId) === connection
    const note = async () => {
      // What cannot be noted from here on begins this anew.
      this.#unnoted.delete(connection)
      try {
        await this.#noteAll(connection)
      } catch (error) {
        this.#unnoted.add(connection)
        throw error
      }
    }
    try {
      await insist(note, { clock, matters: () => !stopping() && isHere() })
    } finally {
      this.#unnoted.delete(connection)
    }
  }

  /** One after another, as the last one is to be what holds. */
  async #noteAll(connection: UserConnection): Promise<void> {
    const { id } = connection
    const noting = this.noted(id).then(() => this.#write(connection))
    this.#noting.set(id, noting)
    try {
      await noting
    } finally {
      if (this.#noting.get(id) === noting) this.#noting.delete(id)
    }
  }

  async #write(connection: UserConnection): Promise<void> {
    const { broker, users, channels, notes, takeover } = this.#parts
    const { id, user, pageId, caller, live, given, promised } = connection
    const known = (await broker.users.find(user))?.connections.find((one) => one.id === id)
    if (known && known.node !== broker.nodes.id) return takeover.letGo(connection)
    if (!known) {
      const byDefault = writeUserOptions(users.get(user)?.options ?? readUserOptions({}))
      const record = { id, user, pageId, cookies: caller.cookies, address: caller.address }
      await broker.users.enter(record, { byDefault, changes: {} })
    }
    const held = [...connection.channels].map((name) => [name, given.has(name) ? 'given' : 'asked'] as const)
    const pending = [...promised].filter((name) => !connection.channels.has(name))
    const noted = new Map([...pending.map((name) => [name, 'promised'] as const), ...held])
    const change = { live, cookies: caller.cookies, channels: noted }
    if (!(await broker.users.update(user, id, change))) return takeover.letGo(connection)
    await Promise.all(held.map(([name]) => channels.get(name)?.reassert(connection)))
    for (const name of known ? placesOf(known) : []) {
      if (connection.channels.has(name) || connection.entering.has(name)) continue
      await (await channels.find(name))?.retract(user, id)
      notes.membership(connection, name, null)
    }
  }

  /** Each node looks at its share of all users and channels. */
  async #lookForGhosts(): Promise<void> {
    const { broker } = this.#parts
    const alive = (await broker.nodes.all()).sort()
    const isMine = (name: string) => alive[hashOf(name) % alive.length] === broker.nodes.id
    const users = await broker.users.all()
    await inTurn([...users.keys()].filter(isMine), (some) => this.#checkUsers(some, new Set(alive)))
    const suspects: (readonly [channel: string, who: Visitor])[] = []
    await inTurn((await broker.channels.names()).filter(isMine), async (some) => {
      const found = await Promise.all(some.map(async (name) => [name, await this.#unnotedIn(name)] as const))
      for (const [name, visitors] of found) for (const who of visitors) suspects.push([name, who])
    })
    if (suspects.length === 0) return
    await this.#afterGrace()
    for (const name of new Set(suspects.map(([channel]) => channel))) {
      const before = new Set(suspects.flatMap(([channel, who]) => (channel === name ? [who.connection] : [])))
      const still = (await this.#unnotedIn(name)).filter(({ connection }) => before.has(connection))
      const channel = still.length > 0 ? await this.#parts.channels.find(name) : undefined
      for (const { user, connection } of still) await channel?.retract(user, connection)
    }
  }

  /** Has the nodes, whose their connections are by what is noted, look whether they are. */
  async #checkUsers(names: readonly string[], alive: ReadonlySet<string>): Promise<void> {
    const { broker, nodes, takeover } = this.#parts
    const records = await Promise.all(names.map(async (name) => (await broker.users.find(name))?.connections ?? []))
    const byNode = new Map<string, ConnectionName[]>()
    for (const record of records.flat()) {
      const { user, id, node } = record
      if (alive.has(node)) byNode.set(node, [...(byNode.get(node) ?? []), { user, id }])
      // Its heir may have been done with it before it was back.
      else await takeover.claimOne(record)
    }
    await Promise.all([...byNode].map(([node, connections]) => nodes().ask(node, 'disown', { connections })))
  }

  async #endUnknown(connections: readonly ConnectionName[]): Promise<void> {
    await this.#afterGrace()
    for (const { user, id } of connections) await this.#end(user, id)
  }

  async #end(user: string, id: string): Promise<void> {
    const { broker, users, channels } = this.#parts
    const record = (await broker.users.find(user))?.connections.find((one) => one.id === id)
    if (!record || record.node !== broker.nodes.id || users.connection(id)) return
    for (const name of placesOf(record)) await (await channels.find(name))?.retract(user, id)
    // The application has heard of its end before.
    await broker.users.leave(user, id)
  }

  /** Who is in a channel by a connection of which that is not noted: it always is, before it is so. */
  async #unnotedIn(channel: string): Promise<Visitor[]> {
    const { broker } = this.#parts
    const visitors = await broker.presence.all(channel)
    const noted = new Set<string>()
    await inTurn([...new Set(visitors.map(({ user }) => user))], async (some) => {
      const records = await Promise.all(some.map((user) => broker.users.find(user)))
      for (const record of records) {
        for (const one of record?.connections ?? []) if (placesOf(one).includes(channel)) noted.add(one.id)
      }
    })
    return visitors.filter(({ connection }) => !noted.has(connection))
  }

  #afterGrace(): Promise<void> {
    return new Promise((resolve) => void this.#parts.clock.after(grace, resolve))
  }
}

/** The channels that a connection may be in. */
function placesOf({ channels, promised }: ConnectionRecord): string[] {
  return [...channels.keys(), ...promised]
}

/** Whoever asks for the task while it is under way has it done once more after that. */
function onceMore(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const begin = (): Promise<void> => {
    running = task().finally(() => {
      running = undefined
    })
    return running
  }
  return () => {
    if (!running) return begin()
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined
        return begin()
      })
    return next
  }
}

/** A few at a time, so that whatever else is asked meanwhile need not wait for all of them. */
async function inTurn<T>(all: readonly T[], task: (some: readonly T[]) => Promise<void>): Promise<void> {
  for (let from = 0; from < all.length; from += atOnce) await task(all.slice(from, from + atOnce))
}

function hashOf(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) >>> 0
  return hash
}
