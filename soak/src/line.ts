import { kindNames } from './checker.ts'
import type { Used } from './gauge.ts'
import { scenarios } from './scenarios.ts'
import type { Result, Settings } from './soak.ts'

/** The result in one line: the seed, what was done, and what was found. */
export function line({ settings, report, cuts, upsets, figures, faults, seconds, usage }: Result): string {
  const { scenario, seed, clients, channels } = settings
  const [upsetsName] = scenarios[scenario].upsets
  const did = [
    `${count(report.deliveries)} deliveries of ${count(report.publishes)} publishes to ${clients} pages in ${channels} channels`,
    `over ${count(cuts)} cuts (${count(report.recoveries)} recoveries)`,
    ...(upsets > 0 ? [`and ${upsets} ${upsetsName} (${count(report.gaps)} gaps, told)`] : []),
    `in ${seconds.toFixed(1)} s`,
  ].join(' ')
  const found = kindNames.map((kind) => `${count(report.counts[kind])} ${kind}`).join(', ')
  const excuse = faults > 0 ? `; ${count(faults)} requests failed, so out of turn does not count` : ''
  const kept = usage === undefined ? '' : `; hub: ${use(usage.hub)}; pages: ${use(usage.pages)}`
  const more = figures.map((figure) => `; ${figure}`).join('')
  return `soak ${scenario}${flags(settings)} seed ${seed}: ${did}: ${found}${more}${excuse}${kept}`
}

function flags({ scenario, snapshot, nodes, persistence }: Settings): string {
  const given = [
    ...(snapshot ? ['--snapshot'] : []),
    ...(scenarios[scenario].isShared ? [`--nodes ${nodes}`] : []),
    ...(scenario === 'redis-restart' ? [`--persistence ${persistence}`] : []),
  ]
  return given.map((flag) => ` ${flag}`).join('')
}

function count(number: number): string {
  return number.toLocaleString('en')
}

function use({ heap, slope, descriptors }: Used): string {
  const parts = [
    ...(heap === undefined ? [] : [`${heap.toFixed(1)} MB heap`]),
    ...(slope === undefined ? [] : [`${slope >= 0 ? '+' : ''}${slope.toFixed(2)} MB/h`]),
    ...(descriptors === undefined ? [] : [`${descriptors[0]} to ${descriptors[1]} descriptors`]),
  ]
  return parts.length === 0 ? 'not seen' : parts.join(', ')
}
