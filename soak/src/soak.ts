import { randomBytes } from 'node:crypto'
import { createWriteStream, type WriteStream } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { startWebApplication } from '@hookbox/testkit'
import { type Publisher, startPublisher } from './application.ts'
import { channelNames, replies } from './channels.ts'
import { type Checker, createChecker, type Kind, kindNames, type Report, violationsOf } from './checker.ts'
import type { Fact } from './facts.ts'
import { fault } from './faults.ts'
import { hubEnvironment, startGauge, type Usage } from './gauge.ts'
import { openPage, type Page, read } from './page.ts'
import { createRandom, type Random } from './random.ts'
import type { Around, HubSettings, Hubs, Scenario } from './scenario.ts'
import { type ScenarioName, scenarios } from './scenarios.ts'
import { visit } from './visiting.ts'

/** One run. */
export interface Settings {
  readonly scenario: ScenarioName
  readonly seed: number
  /** How many pages there are, and how many channels. */
  readonly clients: number
  readonly channels: number
  /** The run ends when there were so many of both. */
  readonly deliveries: number
  readonly cuts: number
  /** How often the scenario takes a hub away. */
  readonly upsets: number
  /** Runs for so long instead; deliveries and cuts then say no more than how often lines are cut. */
  readonly minutes?: number | undefined
  /** The longest ballast of a publish, in characters. */
  readonly payload: number
  readonly snapshot: boolean
  /** How many nodes there are, where there are several, and what their Redis keeps when it is killed. */
  readonly nodes: number
  readonly persistence: HubSettings['persistence']
  /** Seconds that everything may take to come to rest. */
  readonly patience: number
  /** Ends the run at the first finding, or at the first of a kind. */
  readonly until?: Kind | 'any' | undefined
  /** A file for all that the checker is told, each with its time. */
  readonly facts?: string | undefined
  /** The command of the hub. */
  readonly hub: string
}

export interface Result {
  readonly settings: Settings
  readonly report: Report
  readonly violations: number
  /** How many requests failed: as a webhook was not answered in time on a busy machine, or Redis was away. */
  readonly faults: number
  readonly cuts: number
  readonly upsets: number
  /** What else was seen, in words. */
  readonly figures: readonly string[]
  readonly seconds: number
  /** Looked at where the run lasts for given minutes. */
  readonly usage: Usage | undefined
  /** What the hub wrote. */
  readonly output: string
}

/** Characters of what the hubs wrote that are shown with a failure. */
const outputShown = 8_000

/** How many channels a page holds. */
const held = 8

export async function soak(settings: Settings, progress: (text: string) => void = () => {}): Promise<Result> {
  const random = createRandom(settings.seed)
  const scenario: Scenario = scenarios[settings.scenario]
  const checker = createChecker({ gaps: scenario.gaps(settings) })
  const secret = randomBytes(24).toString('hex')
  const decisions = random.fork('application')
  await using application = await startWebApplication(
    replies(() => decisions.int(0, 20)),
    { record: false },
  )
  await using hubs = await scenario.start({
    script: settings.hub,
    flags: ['--cbport', String(application.port), '-r', secret, '--rate', '0', '-L', 'warn'],
    env: hubEnvironment,
    snapshot: settings.snapshot,
    nodes: settings.nodes,
    persistence: settings.persistence,
  })
  const run = new Run(settings, { random, scenario, checker, hubs, secret, progress })
  try {
    await run.load()
    if (!run.isFound) await run.rest()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`${message}\nThe hubs wrote:\n${hubs.output.slice(-outputShown)}`, { cause: error })
  } finally {
    await run.close()
  }
  const report = checker.end()
  const told = scenarios[settings.scenario].isShared
    ? /"webhook failed"|"a request could not be carried out"/
    : '"webhook failed"'
  const faults = hubs.output.split(told).length - 1
  // A page whose line breaks before it hears of a fault publishes again, when its later publishes may stand already.
  const excused = faults > 0 ? report.counts['out of turn'] : 0
  return {
    settings,
    report,
    faults,
    violations: violationsOf(report) - excused,
    cuts: run.cuts,
    upsets: run.upsets,
    figures: run.figures,
    seconds: run.seconds,
    usage: run.usage,
    output: hubs.output,
  }
}

interface Parts {
  readonly random: Random
  readonly scenario: Scenario
  readonly checker: Checker
  readonly hubs: Hubs
  readonly secret: string
  readonly progress: (text: string) => void
}

/** The pages, the application and the faults of one run. */
class Run {
  readonly #settings: Settings
  readonly #parts: Parts
  readonly #channels: readonly string[]
  readonly #pages: Page[] = []
  readonly #publishers: Publisher[] = []
  readonly #begun = Date.now()
  readonly #gauge: ReturnType<typeof startGauge> | undefined
  readonly #facts: WriteStream | undefined
  #witness: Page | undefined
  #deliveries = 0
  #stopping = false
  /** What closing brings about is nobody's finding. */
  #over = false
  #faults = 0
  #failure: unknown
  /** Publish by one node each. */
  readonly #probes = new Map<number, Promise<Publisher>>()
  readonly #worst = new Map<string, { readonly much: number; readonly unit: string }>()
  readonly #seen = new Map<string, number>()
  #visits = 0
  upsets = 0

  constructor(settings: Settings, parts: Parts) {
    this.#settings = settings
    this.#parts = parts
    this.#channels = channelNames(settings.channels)
    if (settings.facts !== undefined) this.#facts = createWriteStream(settings.facts)
    if (settings.minutes !== undefined) this.#gauge = startGauge(parts.hubs)
  }

  get cuts(): number {
    return this.#pages.reduce((sum, { cuts }) => sum + cuts, 0)
  }

  get seconds(): number {
    return (Date.now() - this.#begun) / 1_000
  }

  get usage(): Usage | undefined {
    return this.#gauge?.usage
  }

  get figures(): string[] {
    const worst = [...this.#worst].map(([what, { much, unit }]) => `${what}: ${much} ${unit} at worst`)
    return [...[...this.#seen].map(([what, times]) => `${times} ${what}`), ...worst]
  }

  readonly #take = (fact: Fact): void => {
    if (this.#over) return
    this.#facts?.write(`${Date.now()} ${JSON.stringify(fact)}\n`)
    if (fact.fact === 'deliver') this.#deliveries++
    this.#parts.checker.take(fact)
  }

  /** Publishes, joins, leaves and faults, until there were enough. */
  async load(): Promise<void> {
    const { clients } = this.#settings
    const { random, secret } = this.#parts
    const port = (index: number) => this.#parts.hubs.ports[index % this.#parts.hubs.ports.length] ?? 0
    // It sees all that happens, over lines that nobody cuts.
    this.#witness = await openPage('witness', port(0), this.#take, false)
    for (const channel of this.#channels) this.#witness.hold(channel)
    for (let index = 0; index < clients; index++) {
      this.#pages.push(await openPage(`page${index}`, port(index), this.#take, true))
    }
    for (let index = 0; index < 2; index++) {
      this.#publishers.push(
        await startPublisher(`application${index}`, { port: port(index), secret, take: this.#take }),
      )
    }
    const work = [
      ...this.#pages.map((page) => this.#bePage(page, random.fork(page.name))),
      ...this.#publishers.map((publisher, index) => this.#beApplication(publisher, random.fork(`application${index}`))),
    ]
    await this.#disturb(random.fork('faults'))
    this.#stopping = true
    if (this.#failure !== undefined) throw this.#failure
    if (!this.isFound) await this.#within(Promise.all(work))
  }

  /** Lines are left alone; everything is answered and everybody is where the log is, or will never be. */
  async rest(): Promise<void> {
    await this.#until(() => this.#atRest() && (!this.#parts.scenario.isShared || this.#isPresenceRight()))
    for (const page of this.#everybody) {
      for (const { name, subscription } of page.held()) {
        const { presence, presenceful, state, position } = subscription
        const content = JSON.stringify([[...presence].sort(), state])
        const present = this.#parts.scenario.isShared && presenceful ? [...presence] : undefined
        const status = subscription.status === 'subscribed' ? undefined : subscription.status
        this.#take({ fact: 'view', subscription: name, view: { position: read(position), status, content, present } })
      }
    }
  }

  async close(): Promise<void> {
    this.#stopping = true
    this.#over = true
    this.#gauge?.stop()
    this.#facts?.end()
    const probes = await Promise.all(this.#probes.values())
    await Promise.all([...this.#everybody, ...this.#publishers, ...probes].map((one) => one.close()))
  }

  get #everybody(): Page[] {
    return this.#witness === undefined ? this.#pages : [...this.#pages, this.#witness]
  }

  async #bePage(page: Page, random: Random): Promise<void> {
    const { clients } = this.#settings
    const most = Math.min(held, this.#channels.length)
    while (page.channels.length < most) page.hold(random.pick(this.#channels))
    // Not all at once: what is measured is no stampede.
    await pause(random.int(0, clients * 2))
    while (!this.#stopping) {
      const channel = random.pick(random.chance(0.9) ? page.channels : this.#channels)
      // Several at once, so that a publisher has an order that could be lost.
      const burst = Array.from({ length: random.int(1, 4) }, () => page.publish(channel, this.#pad(random)))
      await Promise.all(burst)
      if (random.chance(0.03)) this.#move(page, random)
      await pause(random.int(0, clients / 4))
    }
  }

  /** Leaves one channel and joins another, or the same again. */
  #move(page: Page, random: Random): void {
    page.cancel(random.pick(page.channels))
    const free = this.#channels.filter((channel) => !page.channels.includes(channel))
    page.hold(random.pick(free))
  }

  async #beApplication(publisher: Publisher, random: Random): Promise<void> {
    let value = 0
    while (!this.#stopping) {
      const channel = random.pick(this.#channels)
      if (random.chance(0.1)) await publisher.setState(channel, `key${random.int(0, 4)}`, ++value)
      else await publisher.publish(channel, this.#pad(random))
      await pause(random.int(0, 10))
    }
  }

  #pad(random: Random): string {
    const { payload } = this.#settings
    // Mostly short ones, and now and then one of every length.
    const length = random.chance(0.9) ? random.int(0, Math.min(payload, 60)) : random.int(0, payload)
    return 'x'.repeat(length)
  }

  /** As many faults as are due by how much was delivered, so that both come to their ends together. */
  async #disturb(random: Random): Promise<void> {
    const { scenario, deliveries, cuts, upsets, minutes = 0 } = this.#settings
    const busy = new Set<Page>()
    let upset: Promise<void> | undefined
    let told = Date.now()
    const { upset: takeAway } = this.#parts.hubs
    for (;;) {
      await pause(10)
      const done = minutes > 0 ? this.seconds / (minutes * 60) : this.#deliveries / deliveries
      if (this.#failure !== undefined || this.isFound) break
      const isEnough = minutes > 0 || (this.cuts >= cuts && (takeAway === undefined || this.upsets >= upsets))
      if (done >= 1 && isEnough && upset === undefined) break
      const due = Math.max(done, 0.001) * (minutes > 0 ? (this.#deliveries / deliveries / done) * cuts : cuts) + 1
      for (let missing = Math.min(due - this.cuts - busy.size, this.#pages.length / 4); missing >= 1; missing--) {
        const page = random.pick(this.#pages)
        if (page.proxy === undefined || page.proxy.lines === 0 || busy.has(page)) continue
        busy.add(page)
        this.#faults++
        this.#watched(fault(page.proxy, random.fork(`fault${this.#faults}`)).finally(() => busy.delete(page)))
      }
      if (random.chance(0.02)) for (const { proxy } of this.#publishers) proxy.cutAfter(random.int(0, 500))
      if (takeAway !== undefined && upset === undefined && this.upsets < done * upsets && this.upsets < upsets) {
        this.upsets++
        upset = takeAway(random.fork(`upset${this.upsets}`), this.#around(this.upsets))
        this.#watched(
          upset.finally(() => {
            upset = undefined
          }),
        )
      }
      if (Date.now() - told < 5_000) continue
      told = Date.now()
      const wrong = violationsOf(this.#parts.checker.report)
      this.#parts.progress(
        `${scenario}: ${this.#deliveries} deliveries, ${this.cuts} cuts, ${this.upsets} upsets, ${wrong} findings after ${this.seconds.toFixed(0)} s`,
      )
    }
    await this.#until(() => busy.size === 0 && upset === undefined)
  }

  #around(turn: number): Around {
    return {
      turn,
      memoryLost: () => this.#take({ fact: 'memory lost' }),
      took: (what, much, bound, unit = 'ms') => {
        const worst = Math.max(Math.round(much), this.#worst.get(what)?.much ?? Number.NEGATIVE_INFINITY)
        this.#worst.set(what, { much: worst, unit })
        this.#take({ fact: 'took', what, much, bound })
      },
      saw: (what) => void this.#seen.set(what, (this.#seen.get(what) ?? 0) + 1),
      visit: (port) => {
        const [channel] = this.#channels
        if (channel === undefined || this.#witness === undefined) throw new Error('nobody is there to see a visitor')
        return visit(`visitor${++this.#visits}`, { port, channel, witness: this.#witness, take: this.#take })
      },
      publishEverywhere: async (ports) => {
        const begun = Date.now()
        await Promise.all(
          this.#channels.map((channel, index) => this.#publishBy(ports[index % ports.length] ?? 0, channel)),
        )
        return Date.now() - begun
      },
      tryToPublish: async (port) => (await this.#probe(port)).tryOnce(this.#channels[0] ?? ''),
    }
  }

  #probe(port: number): Promise<Publisher> {
    const { secret } = this.#parts
    const name = `probe${this.#probes.size}`
    const starting = this.#probes.get(port) ?? startPublisher(name, { port, secret, take: this.#take })
    this.#probes.set(port, starting)
    return starting
  }

  /** Until it is acknowledged: a channel may not be there again yet. */
  async #publishBy(port: number, channel: string): Promise<void> {
    const probe = await this.#probe(port)
    while (!this.#over && typeof (await probe.publish(channel, '')) !== 'object') await pause(20)
  }

  /** What nobody waits for may fail all the same. */
  #watched(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#failure ??= error
    })
  }

  /** Whether what the run looks for was found. */
  get isFound(): boolean {
    const { until } = this.#settings
    if (until === undefined) return false
    const { counts } = this.#parts.checker.report
    return until === 'any' ? kindNames.some((kind) => counts[kind] > 0) : counts[until] > 0
  }

  #atRest(): boolean {
    const tops = new Map(this.#witness?.held().map(({ channel, subscription }) => [channel, subscription.position]))
    return this.#everybody.every((page) =>
      page
        .held()
        .every(
          ({ channel, subscription }) =>
            subscription.status === 'subscribed' && subscription.position === tops.get(channel),
        ),
    )
  }

  #isPresenceRight(): boolean {
    return this.#everybody.every((page) =>
      page.held().every(({ channel, subscription: { presence, presenceful } }) => {
        if (!presenceful) return true
        const there = this.#everybody.filter(({ channels }) => channels.includes(channel))
        return there.length === presence.length && there.every(({ name }) => presence.includes(name))
      }),
    )
  }

  async #until(condition: () => boolean): Promise<void> {
    const end = Date.now() + this.#settings.patience * 1_000
    // Twice: what is on its way makes others move.
    for (let quiet = 0; quiet < 2 && Date.now() < end; quiet = condition() ? quiet + 1 : 0) await pause(50)
  }

  async #within(work: Promise<unknown>): Promise<void> {
    let isOver = false
    this.#watched(
      work.then(() => {
        isOver = true
      }),
    )
    await this.#until(() => isOver)
  }
}
