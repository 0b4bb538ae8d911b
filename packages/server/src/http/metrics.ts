import type { Histogram, Registry } from 'prom-client'
import type { Siblings } from '../siblings.ts'
import type { Durations } from '../signals/durations.ts'
import { type MetricsSource, metrics, type NodeView, type Sample } from './metrics-table.ts'
import type { Handler } from './router.ts'

/**
 * Tells Prometheus how this node is (contract: Paths). Nothing is measured for it, and nothing loaded, before it is asked for
 * the first time: what `process_` and `nodejs_` metrics tell begins then.
 *
 * With siblings it tells how all of them are, whichever was asked. Each keeps samples of its own, by the label `worker`: in a sum,
 * the counts of a sibling that begins anew would look as if everything had begun anew.
 */
export function serveMetrics(source: MetricsSource, siblings?: Siblings): Handler {
  let made: Promise<Registry> | undefined

  async function registryOfOwn(): Promise<Registry> {
    made ??= makeRegistry(source).then((registry) => {
      if (siblings) registry.setDefaultLabels({ worker: String(siblings.worker) })
      return registry
    })
    return made
  }

  siblings?.answer(async () => (await registryOfOwn()).metrics())

  return async (_request, response) => {
    const registry = await registryOfOwn()
    const text = siblings ? together(await siblings.all()) : await registry.metrics()
    response.writeHead(200, {
      'content-type': registry.contentType,
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    response.end(text)
  }
}

/** As Prometheus wants it: what a metric is stands there once, and after it the samples of all. */
function together(texts: readonly string[]): string {
  const samples = new Map<string, string[]>()
  for (const metric of texts.flatMap((text) => text.trimEnd().split('\n\n'))) {
    const [help = '', type = '', ...own] = metric.split('\n')
    const described = `${help}\n${type}`
    samples.set(described, [...(samples.get(described) ?? []), ...own])
  }
  return [...samples].map(([described, all]) => `${[described, ...all].join('\n')}\n`).join('\n')
}

/** Those look at every socket and timer each time that they are asked. */
const costly = /^nodejs_active_/

/** For all hubs of a process: two would watch the same event loop twice. */
let ofProcess: Promise<Registry> | undefined

async function watchProcess(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const { name } of await registry.getMetricsAsJSON()) if (costly.test(name)) registry.removeSingleMetric(name)
  return registry
}

/** All metrics, those of the process among them. */
export async function makeRegistry({ signals, view }: MetricsSource): Promise<Registry> {
  const { Counter, Gauge, Registry } = await import('prom-client')
  ofProcess ??= watchProcess()
  const own = new Registry()
  let seen: NodeView | undefined
  /** One look for all metrics of one answer, which are collected in one turn. */
  const look = (): NodeView => {
    if (seen === undefined) queueMicrotask(() => (seen = undefined))
    seen ??= view()
    return seen
  }
  for (const metric of metrics) {
    const { name, help } = metric
    const described = { name, help, labelNames: [...metric.labels], registers: [own] }
    if (metric.type === 'histogram') own.registerMetric(spread(name, help, () => metric.read(signals, look())))
    else if (metric.type === 'gauge') {
      new Gauge({
        ...described,
        collect() {
          this.reset()
          for (const [labels, value] of metric.read(signals, look())) this.set(labels, value)
        },
      })
    } else {
      new Counter({
        ...described,
        collect() {
          this.reset()
          for (const [labels, value] of metric.read(signals, look())) this.inc(labels, value)
        },
      })
    }
  }
  return Registry.merge([own, await ofProcess])
}

/** A histogram that was counted elsewhere: `Histogram` itself could only be told every single duration. */
function spread(name: string, help: string, read: () => Iterable<Sample<Durations>>): Histogram {
  const get = async () => ({
    ...{ name, help, type: 'histogram', aggregator: 'sum' },
    values: [...read()].flatMap(([labels, { bounds, cumulated, sum, count }]) => [
      ...bounds.map((le, index) => ({
        metricName: `${name}_bucket`,
        labels: { le, ...labels },
        value: cumulated[index] ?? 0,
      })),
      { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]),
  })
  return { name, help, get } as unknown as Histogram
}
