import type { Cancel, Clock } from '../clock.ts'
import type { ApplicationVerbs } from '../hub/application-verbs.ts'
import type { OtherNodes } from '../hub/other-nodes.ts'
import { addCounts, type Counts, difference, type Figures, webhookTime } from './figures.ts'
import type { LoopDelay } from './loop-delay.ts'
import type { NodeObserved, Observation } from './told.ts'

/** Milliseconds between two looks. */
export const interval = 1_000

/** Milliseconds whose webhooks make up their times: of a single second there are often none. */
const webhookWindow = 10_000

export interface ObserverParts {
  readonly nodes: Pick<OtherNodes, 'ask' | 'names' | 'self'>
  readonly application: Pick<ApplicationVerbs, 'counts'>
  readonly clock: Clock
  /** The hub could not be looked at. */
  failed(error: unknown): void
}

/** Looks once a second at how all nodes are doing, for all who watch together; while nobody does, it does nothing. */
export class Observer {
  readonly #parts: ObserverParts
  readonly #listeners = new Set<(observation: Observation) => void>()
  /** By node, oldest first: what was seen in the last seconds. */
  #seen = new Map<string, Figures[]>()
  #last: Observation | undefined
  #cancel: Cancel | undefined

  constructor(parts: ObserverParts) {
    this.#parts = parts
  }

  /** Hears of every look, and of the last one at once where there is one. */
  listen(hear: (observation: Observation) => void): () => void {
    this.#listeners.add(hear)
    if (this.#last) hear(this.#last)
    if (this.#listeners.size === 1) this.#look()
    return () => {
      if (!this.#listeners.delete(hear) || this.#listeners.size > 0) return
      this.#cancel?.()
      this.#last = undefined
      this.#seen = new Map()
    }
  }

  #look(): void {
    const { clock, failed } = this.#parts
    this.#cancel = clock.after(interval, () => this.#look())
    this.#observe()
      .then((observation) => {
        if (this.#listeners.size === 0) return
        this.#last = observation
        for (const hear of this.#listeners) hear(observation)
      })
      .catch(failed)
  }

  async #observe(): Promise<Observation> {
    const { nodes, application, clock } = this.#parts
    const [names, counts] = await Promise.all([nodes.names(), application.counts()])
    const answers = await Promise.allSettled(names.map((node) => nodes.ask(node, 'figures', {})))
    const figures = new Map<string, Figures>()
    const silent: string[] = []
    answers.forEach((answer, index) => {
      const node = names[index] ?? ''
      if (answer.status === 'fulfilled') figures.set(node, answer.value as unknown as Figures)
      else silent.push(node)
    })
    const seen = [...figures].map(([node, now]) => [node, this.#remember(node, now)] as const)
    this.#seen = new Map(seen)
    const observed = seen.flatMap(([node, all]) => {
      const now = all.at(-1)
      if (!now) return []
      const { version, uptime } = now
      return [{ ...{ node, version, uptime, here: node === nodes.self }, ...observe([all]) }]
    })
    return {
      at: clock.now(),
      ...counts,
      sums: observe(seen.map(([, all]) => all)),
      nodes: observed.sort((a, b) => Number(b.here) - Number(a.here) || (a.node < b.node ? -1 : 1)),
      silent,
    }
  }

  /** A node that lags behind may give the same twice. */
  #remember(node: string, now: Figures): Figures[] {
    const before = (this.#seen.get(node) ?? []).filter(({ at }) => at >= now.at - webhookWindow && at < now.at)
    return [...before, now]
  }
}

/** What some nodes come to together; of each, what was seen of it, oldest first. */
function observe(nodes: readonly (readonly Figures[])[]): NodeObserved {
  const now = nodes.flatMap((all) => all.slice(-1))
  const sum = (figure: (one: Figures) => number) => now.reduce((total, one) => total + figure(one), 0)
  const most = (figure: (one: LoopDelay) => number) =>
    now.reduce<number | null>((most, { loop }) => (loop ? Math.max(most ?? 0, figure(loop)) : most), null)
  const rate = (count: (one: Counts) => number) => {
    const rates = nodes.flatMap((all) => {
      const [before, after] = all.slice(-2)
      if (!before || !after) return []
      return [(count(difference(before.counts, after.counts)) * 1_000) / (after.at - before.at)]
    })
    return rates.length === 0 ? null : rates.reduce((total, one) => total + one, 0)
  }
  const lately = addCounts(
    nodes.flatMap((all) => {
      const [first, last] = [all[0], all.at(-1)]
      return first && last ? [difference(first.counts, last.counts)] : []
    }),
  )
  return {
    connections: sum(({ connections }) => connections),
    in: rate((counts) => counts.in),
    out: rate((counts) => counts.out),
    bytesIn: rate(({ bytesIn }) => bytesIn),
    bytesOut: rate(({ bytesOut }) => bytesOut),
    webhooks: rate(({ webhooks }) => webhooks.at(-1) ?? 0),
    refused: rate(({ refused }) => refused),
    faults: rate(({ faults }) => faults),
    p50: webhookTime(lately.webhooks, 0.5),
    p99: webhookTime(lately.webhooks, 0.99),
    underWay: sum(({ underWay }) => underWay),
    givenUp: sum(({ counts }) => counts.givenUp),
    loop: most(({ p99 }) => p99),
    loopMax: most(({ max }) => max),
    memory: sum(({ memory }) => memory.rss),
    heap: sum(({ memory }) => memory.heap),
  }
}
