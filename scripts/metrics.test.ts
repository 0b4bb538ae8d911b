import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { makeRegistry } from '../packages/server/src/http/metrics.ts'
import { type Metric, metrics, type NodeView } from '../packages/server/src/http/metrics-table.ts'
import { Signals } from '../packages/server/src/signals/signals.ts'
import { processMetricWords } from './reference-words.ts'
import { root } from './run.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string }
}

interface Panel {
  readonly type: string
  readonly title: string
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const { groups } = parse(read('docs/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const { panels, templating } = JSON.parse(read('docs/grafana/hookbox.json')) as {
  panels: Panel[]
  templating: { list: { name: string; query: string | { query: string } }[] }
}
const targets = panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })))

/** A metric as it is read, and what is asked of its labels. */
interface Use {
  readonly name: string
  readonly matched: readonly { readonly label: string; readonly operator: string; readonly value: string }[]
}

/** Labels of everything: those that Prometheus itself gives, and that of a hub with several workers. */
const given = ['job', 'instance', 'worker']

/** The metrics in an expression: every word before a `{`, `[` or operator that is neither a function nor a label to group by. */
function usesIn(expr: string): Use[] {
  const bare = expr
    .replace(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, '')
    .replace(/"(?:[^"\\]|\\.)*"/g, (text) => text.replace(/[{}]/g, '_'))
  return [...bare.matchAll(/\b([a-z_][a-z0-9_:]*)\b(?!\s*\()(?:\{([^}]*)\})?/g)].flatMap(
    ([whole, name = '', inside], index, all) => {
      const at = all[index]?.index ?? 0
      // Within braces or brackets, or a part of a string, it is no metric.
      const before = bare.slice(0, at)
      const isInside =
        before.lastIndexOf('{') > before.lastIndexOf('}') || before.lastIndexOf('[') > before.lastIndexOf(']')
      if (isInside || !/[a-z]{3}/.test(whole)) return []
      const matched = [...(inside ?? '').matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(
        ([, label = '', operator = '', value = '']) => ({ label, operator, value }),
      )
      return [{ name, matched }]
    },
  )
}

/** Words of an expression that group, not read. */
function groupedIn(expr: string): string[] {
  return [...expr.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, labels = '']) =>
    labels.split(',').map((label) => label.trim()),
  )
}

/** A histogram is read by its parts. */
function readNames({ name, type }: Metric): string[] {
  return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
}

const documented = [
  ...metrics.flatMap(readNames),
  ...Object.keys(processMetricWords),
  'nodejs_gc_duration_seconds_sum',
  'up',
]

function labelsOf(name: string): readonly string[] {
  const metric = metrics.find((one) => readNames(one).includes(name))
  return [...given, ...(metric?.labels ?? []), ...(name.endsWith('_bucket') ? ['le'] : [])]
}

const view: NodeView = {
  transports: Object.fromEntries(
    ['websocket', 'event-stream', 'long-polling'].map((kind) => [kind, { lines: 0, unsent: 0 }]),
  ),
  ...{ users: 0, channels: 0, subscriptions: 0, webhooksGivenUp: 0, brokerUp: true, ready: true, version: '1' },
}

/** The values that a label has from the start. */
function valuesOf(name: string, label: string): string[] {
  const metric = metrics.find((one) => readNames(one).includes(name))
  const samples: readonly (readonly [{ readonly [label: string]: string }, unknown])[] = metric
    ? [...metric.read(new Signals(['connect']), view)]
    : []
  return samples.flatMap(([labels]) => labels[label] ?? [])
}

describe('what expressions are taken for', () => {
  test.each([
    [
      'sum by (job) (rate(a_total{code="x",job=~"$job"}[$__rate_interval])) / sum(b_total) > 0.1',
      ['a_total', 'b_total'],
    ],
    ['histogram_quantile(0.95, sum by (le, webhook) (rate(c_bucket[5m])))', ['c_bucket']],
    ['up{job="hookbox"} == 0', ['up']],
    ['label_values(hookbox_info{job=~"$job"}, instance)', ['hookbox_info', 'instance']],
  ])('%s', (expr, names) => {
    expect(
      usesIn(expr)
        .map(({ name }) => name)
        .filter((name) => name !== 'up' || names.includes(name)),
    ).toEqual(names)
  })
})

const expressions = [
  ...targets.map(({ title, expr }) => ({ where: `panel ${title}`, expr })),
  ...rules.map(({ alert, expr }) => ({ where: `alert ${alert}`, expr })),
  {
    where: 'docs/metrics.md',
    expr: [...read('docs/metrics.md').matchAll(/`((?:sum|min|histogram_quantile)\([^`]+\))`/g)]
      .map(([, expr]) => expr)
      .join(' + '),
  },
]

describe('every name is one that a hub tells', () => {
  test.each(expressions)('$where: $expr', ({ expr }) => {
    const uses = usesIn(expr)
    expect(uses).not.toEqual([])
    for (const { name, matched } of uses) {
      expect(documented).toContain(name)
      for (const { label, operator, value } of matched) {
        expect(labelsOf(name), `${name}{${label}}`).toContain(label)
        if (given.includes(label)) continue
        const values = operator.endsWith('~') ? value.split('|') : [value]
        for (const one of values)
          expect([...valuesOf(name, label), 'internal'], `${name}{${label}="${one}"}`).toContain(one)
      }
    }
    const known = uses.flatMap(({ name }) => labelsOf(name))
    for (const label of groupedIn(expr)) expect(known, label).toContain(label)
  })

  test('and so are the labels in legends', () => {
    for (const { title, expr, legendFormat } of targets) {
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        const grouped = groupedIn(expr)
        const shown = grouped.length > 0 ? grouped : usesIn(expr).flatMap(({ name }) => labelsOf(name))
        expect(shown, title).toContain(label)
      }
    }
  })

  test('and those by which nodes are chosen', () => {
    for (const { name, query } of templating.list) {
      if (typeof query !== 'string')
        expect(query.query, name).toMatch(/^label_values\(hookbox_info(\{job=~"\$job"\})?, (job|instance)\)$/)
    }
  })
})

test('the dashboard shows every metric of the hub', () => {
  const shown = targets.flatMap(({ expr }) => usesIn(expr).map(({ name }) => name))
  expect(metrics.flatMap(readNames).filter((name) => !shown.includes(name))).toEqual([])
})

test('every panel has a name of its own and follows the chosen nodes', () => {
  const titles = panels.map(({ title }) => title)
  expect(new Set(titles).size).toBe(titles.length)
  for (const { title, expr } of targets) {
    for (const { name, matched } of usesIn(expr)) {
      expect(
        matched.map(({ label, value }) => `${label}=${value}`),
        `${title}: ${name}`,
      ).toEqual(expect.arrayContaining(['job=$job', 'instance=$instance']))
    }
  }
})

test.runIf(process.platform === 'linux')('what is documented of the process is told', async () => {
  const registry = await makeRegistry({ signals: new Signals(), view: () => view })
  const text = await registry.metrics()
  for (const name of Object.keys(processMetricWords)) expect(text).toContain(`# TYPE ${name} `)
})

describe('alerts', () => {
  test('each has a name of its own, a severity and one sentence', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const { alert, labels, annotations } of rules) {
      expect(alert).toMatch(/^Hookbox[A-Z]\w+$/)
      expect(['critical', 'warning']).toContain(labels.severity)
      expect(annotations.summary).toMatch(/^[A-Z].*\.$/)
    }
  })

  test('each has a paragraph that says what it means and what to do, and no other has', () => {
    const section =
      read('docs/running-it-for-real.md')
        .split(/^## /m)
        .find((part) => part.startsWith('Alerts\n')) ?? ''
    const paragraphs = new Map(
      section
        .split(/^### /m)
        .slice(1)
        .map((part) => [part.split('\n', 1)[0] ?? '', part]),
    )
    expect([...paragraphs.keys()].sort()).toEqual(rules.map(({ alert }) => alert).sort())
    for (const [alert, text] of paragraphs) expect(text.length, alert).toBeGreaterThan(150)
  })

  const promtool = spawnSync('promtool', ['--version']).status === 0
  if (!promtool) process.emitWarning('the alerts are not tried, as there is no promtool on the PATH')

  test.runIf(promtool)('Prometheus takes them, and fires each where it should and not otherwise', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'scripts/alerts.promtool.yml'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' })
    const config = spawnSync('promtool', ['check', 'config', 'docs/prometheus/prometheus.yml'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect({ status: config.status, output: config.status === 0 ? '' : config.stdout + config.stderr }).toEqual({
      status: 0,
      output: '',
    })
  })

  test('each is tried', () => {
    const { tests } = parse(read('scripts/alerts.promtool.yml')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] }[]
    }
    const tried = tests.flatMap(({ alert_rule_test }) => alert_rule_test)
    const names = (fires: boolean) =>
      [
        ...new Set(
          tried.filter(({ exp_alerts = [] }) => exp_alerts.length > 0 === fires).map(({ alertname }) => alertname),
        ),
      ].sort()
    const all = rules.map(({ alert }) => alert).sort()
    expect([names(true), names(false)]).toEqual([all, all])
  })
})
