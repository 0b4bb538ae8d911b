import type { Address } from './connection.ts'
import { Elsewhere, UnfitServer, unavailable } from './failure.ts'
import type { Keys, Spot } from './keys.ts'
import { Link, type LinkEvents } from './link.ts'
import { listOf, numberOf, textOf } from './replies.ts'
import { ask } from './sentinel.ts'
import { keysOf, type Servers } from './servers.ts'
import type { Log, Settings } from './settings.ts'
import { slotCount, slotOf } from './slots.ts'
import { Topics } from './topics.ts'

export interface ClusterParts {
  /** Some of its nodes; they know the others. */
  readonly nodes: readonly Address[]
  readonly keys: Keys
  /** Names this hub's own topics. */
  readonly self: string
  readonly settings: Settings
  readonly log: Log
  readonly uncertain: () => void
}

interface Master {
  readonly link: Link
  readonly address: Address
  /** What makes its probe's topic fall into one of its slots. */
  salt: number
}

/** Why a cluster as a whole fails. */
const unserved = 'the Redis cluster cannot be reached, or not all of its slots are served'

/** Milliseconds between two looks at who has which slots: while all is well, and while something is not. */
const calm = 5_000
const alarmed = 200

/** Milliseconds for which what is told of moving slots is gathered. */
const mendAfter = 50

/** Tries, to find a topic for a probe, before it is left out: a master has many slots, or is about to have none. */
const mostSalt = 200_000

/**
 * A Redis Cluster: every master has slots, and each a line of its own. Slots move, and masters are replaced. What is asked for
 * meanwhile waits until it is known who has them, within the time that a command has.
 */
export class Cluster implements Servers {
  readonly topics: Topics
  readonly #parts: ClusterParts
  readonly #masters = new Map<string, Master>()
  #owners: readonly (Master | undefined)[] = []
  #looking: Promise<void> | undefined
  /** Those that have ended subscriptions, as slots of theirs went elsewhere. */
  readonly #shaken = new Set<Link>()
  #mending: NodeJS.Timeout | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false
  /** Why no node says who has which slots. */
  #why: unknown

  constructor(parts: ClusterParts) {
    this.#parts = parts
    const homeOf = (tag: string) => this.#ownerOf(tag).link
    this.topics = new Topics(homeOf, ({ tag, topic }) => this.#insist(tag, (link) => link.subscribe(topic)))
    void this.#look()
  }

  run: Servers['run'] = (script, spot, args, keys = keysOf(script, spot)) =>
    this.#insist(spot.tag, (link) => link.run(script, keys, args))

  runSafely: Servers['runSafely'] = (script, spot, args, keys = keysOf(script, spot)) =>
    this.#insist(spot.tag, (link) => link.runSafely(script, keys, args))

  send: Servers['send'] = (spot, command, ...args) => this.#insist(spot.tag, (link) => link.send(command, ...args))

  async ready(patience: number): Promise<void> {
    const end = performance.now() + patience
    for (;;) {
      const left = end - performance.now()
      await this.#look()
      if (this.#owners.length === slotCount && !this.#owners.includes(undefined)) break
      if (this.#why instanceof UnfitServer) throw this.#why
      if (left <= 0 || this.#closed) throw unavailable(this.#unserved())
      await pause(Math.min(alarmed, Math.max(1, left)))
    }
    await Promise.all([...this.#masters.values()].map(({ link }) => link.ready(end - performance.now())))
  }

  get trouble(): string | undefined {
    if (this.#owners.length < slotCount || this.#owners.includes(undefined)) return this.#unserved()
    return [...this.#masters.values()].find(({ link }) => link.trouble !== undefined)?.link.trouble
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#mending)
    this.topics.close()
    for (const { link } of this.#masters.values()) link.close()
  }

  #unserved(): string {
    return this.#why instanceof Error ? `${unserved}: ${this.#why.message}` : unserved
  }

  #ownerOf(tag: string): Master {
    const owner = this.#owners[slotOf(tag)]
    if (!owner) throw unavailable('no server of the Redis cluster has this slot at the moment')
    return owner
  }

  /** Nothing was done where the answer is that it is elsewhere. */
  async #insist<T>(tag: string, step: (link: Link) => Promise<T>): Promise<T> {
    const end = performance.now() + this.#parts.settings.commandTimeout
    for (let wait = 10; ; wait = Math.min(wait * 2, alarmed)) {
      try {
        return await step(this.#ownerOf(tag).link)
      } catch (error) {
        if (!(error instanceof Elsewhere)) throw error
        if (this.#closed || performance.now() + wait > end) {
          throw unavailable(`a slot of the Redis cluster is on its way: ${error.message}`, error)
        }
      }
      await pause(wait)
      await this.#look()
    }
  }

  /** Many slots may go at once: what is told of each is gathered for a moment. */
  #mendSoon(link: Link): void {
    this.#shaken.add(link)
    this.#mending ??= setTimeout(() => {
      this.#mending = undefined
      void this.#mend()
    }, mendAfter)
  }

  async #mend(): Promise<void> {
    // What is being looked at may be older than what has happened.
    await this.#looking
    await this.#look()
    for (const link of this.#shaken) this.topics.mend(link)
    this.#shaken.clear()
  }

  /** Looks who has which slots. Whoever asks meanwhile gets the same answer. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined
      if (this.#closed) return
      const isWell = this.#owners.length > 0 && this.#owners.every((owner) => owner?.link.isUp)
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => void this.#look(), isWell ? calm : alarmed)
    })
    return this.#looking
  }

  async #lookNow(): Promise<void> {
    const { nodes, settings, log } = this.#parts
    const known = [...this.#masters.values()].filter(({ link }) => link.isUp)
    // Whoever gave something away is the first to know.
    known.sort((a, b) => Number(this.#shaken.has(b.link)) - Number(this.#shaken.has(a.link)))
    const ways = [
      ...known.map(({ link, address }) => ({ address, ask: () => link.send('CLUSTER', 'SLOTS') })),
      ...nodes.map((address) => ({
        address,
        ask: () => ask(address, ['CLUSTER', 'SLOTS'], settings.connectTimeout),
      })),
    ]
    for (const way of ways) {
      if (this.#closed) return
      try {
        const slots = rangesOf(await way.ask(), way.address)
        if (slots.length === 0) continue
        this.#why = undefined
        this.#apply(slots)
        return
      } catch (err) {
        this.#why = err
        log.debug({ err }, 'could not ask a node of the Redis cluster')
      }
    }
  }

  #apply(ranges: readonly Range[]): void {
    if (this.#closed) return
    const owners: (Master | undefined)[] = Array(slotCount).fill(undefined)
    for (const { from, to, address } of ranges) owners.fill(this.#master(address), from, to + 1)
    const before = this.#owners
    this.#owners = owners
    const inUse = new Set(owners)
    const gone = new Set(before.filter((owner) => owner && !inUse.has(owner)))
    for (const [name, master] of this.#masters) {
      if (inUse.has(master)) continue
      this.#masters.delete(name)
      master.link.close()
    }
    if (before.length === 0 || owners.every((owner, slot) => owner === before[slot])) return
    this.#parts.log.info('slots of the Redis cluster have moved')
    this.topics.rehome()
    // A slot that goes from one master to another takes its data along; a replica in the place of its master has what it had.
    if (gone.size > 0) this.#parts.uncertain()
  }

  #master(address: Address): Master {
    const name = `${address.host}:${address.port}`
    const known = this.#masters.get(name)
    if (known) return known
    const { settings, log, uncertain } = this.#parts
    const events: LinkEvents = {
      up: (link) => this.topics.renew(link),
      uncertain,
      told: this.topics.told,
      shaken: (link) => this.#mendSoon(link),
    }
    const probeTopic = () => this.#probeOf(master)?.topic
    const link = new Link({ name: `Redis at ${name}`, find: async () => address, probeTopic, settings, log, events })
    const master: Master = { link, address, salt: 0 }
    this.#masters.set(name, master)
    return master
  }

  #probeOf(master: Master): Spot | undefined {
    const { keys, self } = this.#parts
    for (let tried = 0; tried < mostSalt; tried++) {
      const spot = keys.probe(self, master.salt)
      if (this.#owners[slotOf(spot.tag)] === master) return spot
      master.salt = (master.salt + 1) % mostSalt
    }
    return undefined
  }
}

interface Range {
  readonly from: number
  readonly to: number
  readonly address: Address
}

/** What `CLUSTER SLOTS` says. A node that does not know its own name is the one that was asked. */
function rangesOf(reply: unknown, asked: Address): Range[] {
  return listOf(reply).map((one) => {
    const [from, to, master] = listOf(one)
    const [host, port] = listOf(master)
    const isNamed = typeof host === 'string' && host !== '' && host !== '?'
    const range = { from: numberOf(from), to: numberOf(to) }
    if (range.from < 0 || range.to >= slotCount) throw new Error('expected slots of a cluster')
    return { ...range, address: { ...asked, host: isNamed ? textOf(host) : asked.host, port: numberOf(port) } }
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
