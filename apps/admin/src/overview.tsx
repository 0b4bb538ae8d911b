import { useMemo } from 'preact/hooks'
import type { NodeObserved, Observation } from '../../../packages/server/src/admin/told.ts'
import { Chart, type Curve } from './chart.tsx'
import { age, bytes, count, duration, rate, shortId } from './words.ts'

type Figure = (sums: NodeObserved, all: Observation) => number | null

interface Line {
  readonly label: string
  readonly figure: Figure
  readonly colour: 1 | 2 | 3
}

interface Card {
  readonly title: string
  readonly unit: string
  readonly lines: readonly Line[]
  /** Of a value, in words. */
  readonly write: (value: number | null) => string
  /** What stands on the axis. */
  readonly axis: (value: number) => string
}

const cards: readonly Card[] = [
  {
    title: 'People',
    unit: '',
    lines: [
      { label: 'connections', figure: ({ connections }) => connections, colour: 1 },
      { label: 'users', figure: (_, { users }) => users, colour: 2 },
    ],
    write: (value) => count(value ?? 0),
    axis: rate,
  },
  {
    title: 'Messages',
    unit: 'a second',
    lines: [
      { label: 'out', figure: ({ out }) => out, colour: 1 },
      { label: 'in', figure: (sums) => sums.in, colour: 2 },
    ],
    write: rate,
    axis: rate,
  },
  {
    title: 'Webhook time',
    unit: '',
    lines: [
      { label: 'p50', figure: ({ p50 }) => p50, colour: 1 },
      { label: 'p99', figure: ({ p99 }) => p99, colour: 2 },
    ],
    write: duration,
    axis: duration,
  },
  {
    title: 'Webhooks',
    unit: 'a second',
    lines: [
      { label: 'calls', figure: ({ webhooks }) => webhooks, colour: 1 },
      { label: 'refused', figure: ({ refused }) => refused, colour: 2 },
      { label: 'faults', figure: ({ faults }) => faults, colour: 3 },
    ],
    write: rate,
    axis: rate,
  },
  {
    title: 'Event loop delay',
    unit: '',
    lines: [
      { label: 'p99', figure: ({ loop }) => loop, colour: 1 },
      { label: 'longest', figure: ({ loopMax }) => loopMax, colour: 2 },
    ],
    write: duration,
    axis: duration,
  },
  {
    title: 'Memory',
    unit: '',
    lines: [
      { label: 'process', figure: ({ memory }) => memory, colour: 1 },
      { label: 'heap', figure: ({ heap }) => heap, colour: 2 },
    ],
    write: bytes,
    axis: bytes,
  },
]

export function Overview({ figures }: { figures: readonly Observation[] }) {
  const latest = figures.at(-1)
  const here = latest?.nodes.find((node) => node.here)
  return (
    <>
      <h1>Overview</h1>
      <dl class="tiles">
        <Tile name="Connections" value={latest && count(latest.sums.connections)} />
        <Tile name="Users" value={latest && count(latest.users)} />
        <Tile name="Channels" value={latest && count(latest.channels)} />
        <Tile name="Up for" value={here && age(here.uptime)} />
        <Tile
          name="Webhooks given up"
          value={latest && count(latest.sums.givenUp)}
          isBad={(latest?.sums.givenUp ?? 0) > 0}
        />
      </dl>
      <div class="cards">
        {cards.map((card) => (
          <ChartCard key={card.title} card={card} figures={figures} />
        ))}
      </div>
      {latest && (latest.nodes.length > 1 || latest.silent.length > 0) && <Nodes latest={latest} />}
      {here && latest?.nodes.length === 1 && (
        <p class="note">
          Version {here.version}, node <code>{shortId(here.node)}</code>. What is counted a second is of this process;
          times of webhooks are of the last ten seconds.
        </p>
      )}
    </>
  )
}

function Tile({ name, value, isBad = false }: { name: string; value: string | undefined; isBad?: boolean }) {
  return (
    <div class={isBad ? 'bad' : undefined}>
      <dt>{name}</dt>
      <dd>{value ?? '–'}</dd>
    </div>
  )
}

function ChartCard({ card, figures }: { card: Card; figures: readonly Observation[] }) {
  const { title, unit, lines, write, axis } = card
  const times = useMemo(() => figures.map(({ at }) => at / 1_000), [figures])
  const curves = useMemo(
    () =>
      lines.map(
        ({ label, figure, colour }, index): Curve => ({
          label,
          colour,
          filled: index === 0,
          values: figures.map((all) => figure(all.sums, all)),
        }),
      ),
    [lines, figures],
  )
  const last = lines.map(({ label, colour }, index) => ({
    label,
    colour,
    value: write(curves[index]?.values.at(-1) ?? null),
  }))
  const says = `${title}${unit && ` ${unit}`}: ${last.map(({ label, value }) => `${label} ${value}`).join(', ')}`
  return (
    <section class="card" aria-label={title}>
      <h2>
        {title} <small>{unit}</small>
      </h2>
      <ul class="legend">
        {last.map(({ label, colour, value }) => (
          <li key={label} data-colour={colour}>
            <b data-figure={`${title} ${label}`}>{value}</b> {label}
          </li>
        ))}
      </ul>
      <Chart says={says} times={times} curves={curves} write={axis} />
    </section>
  )
}

function Nodes({ latest }: { latest: Observation }) {
  const sums = { ...latest.sums, node: '', here: false, version: '', uptime: 0 }
  return (
    <section aria-labelledby="nodes">
      <h2 id="nodes">Nodes</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <section class="scroll" tabIndex={0} aria-label="Table of nodes">
        <table class="nodes">
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">Connections</th>
              <th scope="col">In</th>
              <th scope="col">Out</th>
              <th scope="col">Webhooks</th>
              <th scope="col">p99</th>
              <th scope="col">Loop</th>
              <th scope="col">Memory</th>
              <th scope="col">Up</th>
              <th scope="col">Version</th>
            </tr>
          </thead>
          <tbody>
            {latest.nodes.map((node) => (
              <tr key={node.node}>
                <th scope="row">
                  <code title={node.node}>{shortId(node.node)}</code> {node.here && <span class="badge">this one</span>}
                </th>
                <Cells node={node} />
                <td>{age(node.uptime)}</td>
                <td>{node.version}</td>
              </tr>
            ))}
            {latest.silent.map((node) => (
              <tr key={node}>
                <th scope="row">
                  <code title={node}>{shortId(node)}</code>
                </th>
                <td colspan={9}>
                  <span class="badge bad">does not answer</span>
                </td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">Together</th>
              <Cells node={sums} />
              <td />
              <td />
            </tr>
          </tfoot>
        </table>
      </section>
    </section>
  )
}

function Cells({ node }: { node: NodeObserved }) {
  return (
    <>
      <td>{count(node.connections)}</td>
      <td>{rate(node.in)}</td>
      <td>{rate(node.out)}</td>
      <td>{rate(node.webhooks)}</td>
      <td>{duration(node.p99)}</td>
      <td>{duration(node.loop)}</td>
      <td>{bytes(node.memory)}</td>
    </>
  )
}
