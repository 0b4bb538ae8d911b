import type { Redis } from 'ioredis'
import { type Address, connectionTo, isRefusal } from './connection.ts'
import { codeOf, Elsewhere, UnfitServer, unavailable } from './failure.ts'
import { allScripts } from './lua/all.ts'
import { textOf } from './replies.ts'
import type { Script } from './script.ts'
import type { Settings } from './settings.ts'

/** What a line tells of itself. */
export interface LineEvents {
  told(topic: string, text: string): void
  /** The server has ended subscriptions by itself. */
  shaken(): void
  /** It is over, after which nothing more is told. `inFlight`: something was asked and not answered. */
  ended(why: Error, inFlight: boolean): void
}

/** Beyond this many, or this many bytes, what is asked for fails at once instead of waiting for its answer. */
export const mostUnanswered = { count: 20_000, bytes: 33_554_432 } as const

interface Flight {
  readonly since: number
  readonly fail: (error: Error) => void
}

interface Probe {
  readonly topic: string
  /** When it began, and when Redis has told it. */
  readonly at: number
  toldAt: number | undefined
  heard: boolean
}

/**
 * Two connections to one server, one for commands and one for topics, that live and die together: where either breaks, where
 * nothing is answered any more, and where what this node tells itself does not come back.
 */
export class Line {
  readonly #address: Address
  readonly #settings: Settings
  readonly #events: LineEvents
  readonly #commands: Redis
  readonly #topics: Redis
  /** Oldest first. */
  readonly #flying = new Set<Flight>()
  readonly #probeTopic: () => string | undefined
  /** Sent and not answered, those included for whom nobody waits any more. */
  #unanswered = 0
  #bytes = 0
  #isJoining = false
  #lastAnswer = 0
  #life = ''
  #evicts: string | undefined
  #isUp = false
  #ended: Error | undefined
  /** Rejects when it ends. */
  readonly #over: Promise<never>
  #failOver: (why: Error) => void = () => {}
  #lastError: Error | undefined
  #timer: NodeJS.Timeout | undefined
  #tickDue = 0
  #probed: Probe | undefined
  /** The topic of probes that is subscribed. */
  #probing: string | undefined
  #replicated: Promise<void> | undefined

  private constructor(
    client: typeof Redis,
    address: Address,
    settings: Settings,
    probeTopic: () => string | undefined,
    events: LineEvents,
  ) {
    this.#address = address
    this.#settings = settings
    this.#probeTopic = probeTopic
    this.#events = events
    this.#over = new Promise((_, reject) => {
      this.#failOver = reject
    })
    this.#over.catch(() => {})
    this.#commands = this.#connection(client)
    this.#topics = this.#connection(client)
    this.#topics.on('smessage', this.#told)
    this.#topics.on('moved', () => {
      if (this.#isUp && !this.#ended) events.shaken()
    })
  }

  /**
   * @param probeTopic what is told there must come back; undefined where nothing is to be probed at the moment
   * @throws UnfitServer where trying again does not help
   */
  static async open(
    address: Address,
    settings: Settings,
    probeTopic: () => string | undefined,
    events: LineEvents,
  ): Promise<Line> {
    // Whoever has no Redis does not load its client.
    const { Redis } = await import('ioredis')
    const line = new Line(Redis, address, settings, probeTopic, events)
    const { connectTimeout } = settings
    // A server that is stopped still takes connections.
    const timer = setTimeout(() => line.end(new Error(`not connected within ${connectTimeout} ms`)), connectTimeout)
    try {
      await Promise.race([line.#open(), line.#over])
      return line
    } catch (error) {
      // Of the two, what the server said comes first.
      const why = line.#lastError ?? error
      line.end(why instanceof Error ? why : new Error(String(why)))
      throw isRefusal(why) ? new UnfitServer(`${line.#where}: ${textOfError(why)}`, { cause: why }) : why
    } finally {
      clearTimeout(timer)
    }
  }

  /** One life of the server's data, see link.ts. */
  get life(): string {
    return this.#life
  }

  /** By what policy the server forgets keys when its memory is full; undefined where it refuses to write instead. */
  get evicts(): string | undefined {
    return this.#evicts
  }

  /** Sends a command of which there is nothing to be said but its answer. */
  async send(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.#fly(() => this.#call(command, args), weigh(args))
  }

  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const all = [keys.length, ...keys, this.#life, ...args]
    const bytes = weigh(args)
    try {
      return await this.#fly(() => this.#call('EVALSHA', [script.sha, ...all]), bytes)
    } catch (error) {
      if (!(error instanceof Error && codeOf(error.cause) === 'NOSCRIPT')) throw error
      // Somebody has told Redis to forget its scripts. It knows this one again from now on.
      return await this.#fly(() => this.#call('EVAL', [script.text, ...all]), bytes)
    }
  }

  /** Settles when replicas have what was written before. One question serves all who ask meanwhile. */
  async replicated(count: number): Promise<void> {
    // Who comes while a question flies has written after it left, and takes the next.
    await this.#replicated?.catch(() => {})
    this.#replicated ??= this.#askReplicas(count)
    await this.#replicated
  }

  /** Settles when the subscription is confirmed. */
  async subscribe(topic: string): Promise<void> {
    await this.#fly(() => this.#topics.ssubscribe(topic), topic.length)
  }

  /** What is subscribed at the moment: a server of a cluster ends a subscription when its slot goes elsewhere. */
  get subscribed(): ReadonlySet<string> {
    const { subscriber } = this.#topics.condition ?? {}
    return new Set(subscriber ? subscriber.channels('ssubscribe') : [])
  }

  unsubscribe(topic: string): void {
    if (this.#ended) return
    this.#fly(() => this.#topics.sunsubscribe(topic), topic.length).catch(() => {
      // Whoever has nothing to hear ignores what comes.
    })
  }

  end(why: Error): void {
    if (this.#ended) return
    this.#ended = why
    this.#failOver(why)
    clearTimeout(this.#timer)
    const inFlight = this.#unanswered > 0
    const text = `${this.#where}: ${textOfError(why)}`
    for (const { fail } of this.#flying) fail(unavailable(text, why))
    this.#flying.clear()
    // What has not arrived yet is of no use to anybody: a stopped server would hold it for ever.
    for (const one of [this.#commands, this.#topics]) one.disconnect()
    if (this.#isUp) this.#events.ended(why, inFlight)
  }

  get #where(): string {
    return `Redis at ${this.#address.host}:${this.#address.port}`
  }

  #connection(client: typeof Redis): Redis {
    const redis = connectionTo(client, this.#address, this.#settings.connectTimeout, (error) => {
      this.#lastError ??= error
    })
    redis.on('end', () => this.end(this.#lastError ?? new Error('the connection was lost')))
    return redis
  }

  async #open(): Promise<void> {
    await Promise.all([this.#commands.connect(), this.#topics.connect()])
    this.#tick()
    const info = fieldsOf(textOf(await this.send('INFO')))
    this.#check(info)
    this.#life = info.get('master_replid') ?? ''
    const policy = info.get('maxmemory_policy')
    this.#evicts = info.get('maxmemory') === '0' || policy === 'noeviction' ? undefined : policy
    await Promise.all(allScripts.map(({ text }) => this.send('SCRIPT', 'LOAD', text)))
    if (this.#ended) throw this.#ended
    this.#isUp = true
  }

  #check(info: ReadonlyMap<string, string>): void {
    const version = info.get('redis_version') ?? 'unknown'
    if (!(Number.parseInt(version, 10) >= 7)) {
      throw new UnfitServer(`${this.#where}: expected Redis 7.0 or newer, got ${version}`)
    }
    const isCluster = info.get('cluster_enabled') === '1'
    if (isCluster !== this.#address.cluster) {
      const expected = this.#address.cluster ? 'a node of a cluster' : 'no node of a cluster (see redis+cluster://)'
      throw new UnfitServer(`${this.#where}: expected ${expected}`)
    }
    if (info.get('loading') === '1') throw new Error('it is still reading its data')
    if (info.get('role') !== 'master') throw new Error(`expected a master, got a ${info.get('role')}`)
    if (!info.get('master_replid')) throw new UnfitServer(`${this.#where}: expected a master_replid in INFO`)
  }

  /** What is asked in one turn of the event loop goes out together: a write costs this process, and Redis, more than a command. */
  #call(command: string, args: readonly (string | number)[]): Promise<unknown> {
    const { stream } = this.#commands
    if (!this.#isJoining) {
      this.#isJoining = true
      stream.cork()
      setImmediate(() => {
        this.#isJoining = false
        stream.uncork()
      })
    }
    return this.#commands.call(command, ...args)
  }

  async #fly(command: () => Promise<unknown>, bytes: number): Promise<unknown> {
    if (this.#ended) throw unavailable(`${this.#where}: ${textOfError(this.#ended)}`, this.#ended)
    if (this.#unanswered >= mostUnanswered.count || this.#bytes + bytes > mostUnanswered.bytes) {
      throw unavailable(`${this.#where} is too busy: too much waits for its answers`)
    }
    const since = performance.now()
    if (this.#unanswered === 0) this.#lastAnswer = since
    this.#unanswered++
    this.#bytes += bytes
    return new Promise((resolve, reject) => {
      const flight: Flight = { since, fail: reject }
      this.#flying.add(flight)
      const land = () => {
        this.#flying.delete(flight)
        this.#unanswered--
        this.#bytes -= bytes
        this.#lastAnswer = performance.now()
      }
      command().then(
        (answer) => {
          land()
          resolve(answer)
        },
        (error: unknown) => {
          land()
          reject(this.#failure(error))
        },
      )
    })
  }

  #failure(error: unknown): Error {
    const code = codeOf(error)
    if (code === 'MOVED' || code === 'ASK' || code === 'TRYAGAIN' || code === 'CLUSTERDOWN') {
      return new Elsewhere(textOfError(error), { cause: error })
    }
    const failure = unavailable(`${this.#where}: ${textOfError(error)}`, error)
    // It is no master any more: what it says is true of another moment.
    if (code === 'READONLY' || code === 'MASTERDOWN' || code === 'LOADING') this.end(failure)
    return failure
  }

  async #askReplicas(count: number): Promise<void> {
    const timeout = Math.ceil(this.#settings.commandTimeout / 2)
    try {
      const have = await this.send('WAIT', count, timeout)
      if (Number(have) < count) throw unavailable(`${this.#where}: ${have} of ${count} replicas have it`)
    } finally {
      this.#replicated = undefined
    }
  }

  readonly #told = (topic: string, text: string): void => {
    if (this.#ended) return
    if (topic === this.#probed?.topic) this.#probed.heard = true
    else this.#events.told(topic, text)
  }

  /** Looks now and then for what is overdue. */
  readonly #tick = (): void => {
    if (this.#ended) return
    const { commandTimeout, probe, probeTimeout } = this.#settings
    const interval = Math.min(250, commandTimeout / 4, probe / 4)
    const now = performance.now()
    // This process was busy: what seems overdue may have come and only not been read.
    const isLate = this.#tickDue > 0 && now - this.#tickDue > interval
    this.#tickDue = now + interval
    this.#timer = setTimeout(this.#tick, interval)
    if (isLate) return
    for (const flight of this.#flying) {
      if (now - flight.since <= commandTimeout) break
      this.#flying.delete(flight)
      flight.fail(unavailable(`${this.#where}: no answer within ${commandTimeout} ms`))
    }
    const last = this.#probed
    if (this.#unanswered > 0 && now - this.#lastAnswer > commandTimeout) {
      this.end(new Error(`nothing was answered for ${commandTimeout} ms`))
    } else if (last?.toldAt !== undefined && !last.heard && now - last.toldAt > probeTimeout) {
      this.end(new Error(`a probe was not heard within ${probeTimeout} ms`))
    } else if (this.#isUp && (!last || (last.heard && now - last.at > probe))) {
      this.#probe(now)
    }
  }

  /** What a node tells itself must come back, by the way on which it hears of everything. */
  #probe(now: number): void {
    const topic = this.#probeTopic()
    if (topic === undefined) return
    const probed: Probe = { topic, at: now, toldAt: undefined, heard: false }
    this.#probed = probed
    this.#sendProbe(topic).catch((error: unknown) => {
      // Where commands are too many, or not answered at all, that is dealt with elsewhere; then it is probed again.
      if (this.#probed === probed) probed.heard = true
      // A slot that has moved is probed by another topic.
      if (!(error instanceof Elsewhere)) return
      this.#probing = undefined
      this.#events.shaken()
    })
  }

  async #sendProbe(topic: string): Promise<void> {
    if (topic !== this.#probing) {
      if (this.#probing !== undefined) this.unsubscribe(this.#probing)
      await this.subscribe(topic).catch((error: Error) => {
        if (!(error instanceof Elsewhere)) this.end(error)
        throw error
      })
      this.#probing = topic
    }
    await this.send('SPUBLISH', topic, '')
    if (this.#probed?.topic === topic) this.#probed.toldAt = performance.now()
    const info = fieldsOf(textOf(await this.send('INFO', 'replication')))
    if (info.get('role') === 'master' && info.get('master_replid') === this.#life) return
    this.end(new Error('it is another server now, or no master any more'))
  }
}

/** `name:value` lines. */
function fieldsOf(info: string): ReadonlyMap<string, string> {
  return new Map(
    info.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':')
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
    }),
  )
}

function textOfError(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function weigh(args: readonly (string | number)[]): number {
  return args.reduce<number>((bytes, arg) => bytes + (typeof arg === 'string' ? arg.length : 8), 0)
}
