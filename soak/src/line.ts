import { kindNames } from './checker.ts'
import type { Used } from './gauge.ts'
import type { Result } from './soak.ts'

/** The result in one line: the seed, what was done, and what was found. */
export function line({ settings, report, cuts, upsets, faults, seconds, usage }: Result): string {
  const { scenario, seed, clients, channels, snapshot } = settings
  const did = [
    `${count(report.deliveries)} deliveries of ${count(report.publishes)} publishes to ${clients} pages in ${channels} channels`,
    `over ${count(cuts)} cuts (${count(report.recoveries)} recoveries)`,
    ...(upsets > 0 ? [`and ${upsets} upsets (${count(report.gaps)} gaps, told)`] : []),
    `in ${seconds.toFixed(1)} s`,
  ].join(' ')
  const found = kindNames.map((kind) => `${count(report.counts[kind])} ${kind}`).join(', ')
  const excuse = faults > 0 ? `; ${count(faults)} webhooks failed, so out of turn does not count` : ''
  const kept = usage === undefined ? '' : `; hub: ${use(usage.hub)}; pages: ${use(usage.pages)}`
  return `soak ${scenario}${snapshot ? ' --snapshot' : ''} seed ${seed}: ${did}: ${found}${excuse}${kept}`
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
