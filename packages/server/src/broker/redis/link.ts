import type { Address } from './connection.ts'
import { UnfitServer, unavailable } from './failure.ts'
import { Line } from './line.ts'
import type { Script } from './script.ts'
import type { Log, Settings } from './settings.ts'

export interface LinkEvents {
  /** There is a line again. What was told meanwhile was not heard. */
  up(link: Link): void
  /** What was written last may be lost, or half done. */
  uncertain(): void
  told(topic: string, text: string): void
  /** Some subscriptions have ended. */
  shaken(link: Link): void
}

export interface LinkParts {
  /** As it is called in the log. */
  readonly name: string
  /** Where the server is at the moment: asked again as long as there is a line. */
  readonly find: () => Promise<Address>
  /** See {@link Line.open}. */
  readonly probeTopic: () => string | undefined
  readonly settings: Settings
  readonly log: Log
  readonly events: LinkEvents
}

/**
 * Keeps a line to one server, or to whichever has taken its place.
 *
 * **Life.** Redis may forget what it has acknowledged: a master that restarts reads what had reached its disk, a replica that
 * is promoted has what had reached it. Numbers that were given may then be given again, to something else, which no page
 * could tell. Redis has no number of its own for this, but it has a `master_replid`: a master takes a new one whenever it
 * starts and whenever it is promoted. So it names one life of the data, in which nothing is lost. It is read on every new
 * line before anything else is done there, and once more with every probe; each log remembers under which life it was
 * numbered, and whoever finds another begins a new epoch in the same step (see lua/log.ts). That errs on one side only: pages
 * may be told of a gap where nothing was lost, but never the other way round.
 */
export class Link {
  readonly #parts: LinkParts
  #line: Line | undefined
  #life: string | undefined
  #attempts = 0
  /** The last line has ended while something was asked and not answered. */
  #inFlight = false
  #timer: NodeJS.Timeout | undefined
  #asking: NodeJS.Timeout | undefined
  #closed = false
  #why = new Error('not connected yet')
  #unfit: UnfitServer | undefined
  readonly #waiting = new Set<() => void>()

  constructor(parts: LinkParts) {
    this.#parts = parts
    void this.#connect()
  }

  get name(): string {
    return this.#parts.name
  }

  /** Why nothing that is asked is answered; undefined while there is a line. */
  get trouble(): string | undefined {
    return this.#line ? undefined : this.#failure().message
  }

  get isUp(): boolean {
    return this.#line !== undefined
  }

  /** Settles when there is a line, or none within `patience` milliseconds. */
  async ready(patience: number): Promise<void> {
    const end = performance.now() + patience
    while (!this.#line) {
      const left = end - performance.now()
      if (this.#unfit) throw this.#unfit
      if (left <= 0 || this.#closed) throw this.#failure()
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer)
          this.#waiting.delete(done)
          resolve()
        }
        const timer = setTimeout(done, left)
        this.#waiting.add(done)
      })
    }
  }

  async send(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.#needed().send(command, ...args)
  }

  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#needed().run(script, keys, args)
  }

  /** Like {@link run}, but done only when enough replicas have it too. */
  async runSafely(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const line = this.#needed()
    const { wait } = this.#parts.settings
    const answer = await line.run(script, keys, args)
    if (wait > 0) await line.replicated(wait)
    return answer
  }

  async subscribe(topic: string): Promise<void> {
    return this.#needed().subscribe(topic)
  }

  /** See {@link Line.subscribed}. */
  get subscribed(): ReadonlySet<string> {
    return this.#line?.subscribed ?? new Set()
  }

  unsubscribe(topic: string): void {
    this.#line?.unsubscribe(topic)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#asking)
    const line = this.#line
    this.#line = undefined
    line?.end(new Error('the hub has stopped'))
    this.#wake()
  }

  #needed(): Line {
    if (!this.#line) throw this.#failure()
    return this.#line
  }

  #failure(): Error {
    const { message } = this.#why
    return unavailable(`${this.name} cannot be reached: ${message}`, this.#why)
  }

  async #connect(): Promise<void> {
    const { find, settings, probeTopic, events } = this.#parts
    let line: Line | undefined
    let address: Address
    try {
      address = await find()
      line = await Line.open(address, settings, probeTopic, {
        told: events.told,
        shaken: () => events.shaken(this),
        ended: (why, inFlight) => this.#lost(line, why, inFlight),
      })
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)))
      return
    }
    if (this.#closed) {
      line.end(new Error('the hub has stopped'))
      return
    }
    this.#up(line)
    this.#askLater(line, address)
  }

  /**
   * A master that is cut off from its Sentinels does not know that it is replaced, and forgets all that is written to it when
   * it is back: they are asked again and again whether it is still the one.
   */
  #askLater(line: Line, address: Address): void {
    const { host, port } = address
    const { find, settings } = this.#parts
    clearTimeout(this.#asking)
    this.#asking = setTimeout(async () => {
      // Where nobody says anything, nothing has changed.
      const found = await find().catch(() => undefined)
      if (this.#line !== line) return
      if (!found || (found.host === host && found.port === port)) return this.#askLater(line, address)
      line.end(new Error(`the master is at ${found.host}:${found.port} now`))
    }, settings.probe)
  }

  #up(line: Line): void {
    const before = this.#life
    const { log } = this.#parts
    if (before !== undefined) log.info({ server: this.name }, 'connected to Redis again')
    else if (line.evicts !== undefined) {
      const text = 'Redis forgets what is used, when its memory is full: expected maxmemory-policy noeviction'
      log.warn({ server: this.name, policy: line.evicts }, text)
    }
    this.#line = line
    this.#life = line.life
    this.#attempts = 0
    this.#unfit = undefined
    this.#wake()
    this.#parts.events.up(this)
    if (before === undefined || (before === line.life && !this.#inFlight)) return
    this.#inFlight = false
    this.#parts.events.uncertain()
  }

  #lost(line: Line | undefined, why: Error, inFlight: boolean): void {
    if (line === undefined || this.#line !== line) return
    this.#inFlight ||= inFlight
    this.#line = undefined
    this.#parts.log.warn({ server: this.name, err: why }, 'lost the connection to Redis')
    this.#failed(why)
  }

  #failed(why: Error): void {
    if (this.#closed) return
    this.#why = why
    if (why instanceof UnfitServer) this.#unfit = why
    this.#parts.log.debug({ server: this.name, err: why }, 'could not connect to Redis')
    const { retry } = this.#parts.settings
    const delay = Math.min(retry, 20 * 2 ** this.#attempts++) * (0.5 + Math.random() / 2)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#connect(), delay)
    this.#wake()
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}
