import { type PeerName, peerNames } from './peers.ts'
import { cellOf, type Limit, limitOf, type Measurement, ratioOf } from './results.ts'
import { type Figure, figureNames, type Row, type RowName, rowNames, rows } from './rows.ts'

/** Which of them is ours, and what columns tables have in place of those of their rows. */
export interface View {
  readonly ours: PeerName
  /** What stands before the name of each row in its heading. */
  readonly prefix?: string
  readonly figures?: { readonly [R in RowName]?: readonly Figure[] }
}

/** Markdown: a table for each thing that was measured, the best first, and what ours is to each of the others. */
export function tables(measurements: readonly Measurement[], view: View = { ours: 'hookbox' }): string {
  const measured = rowNames.filter((row) => measurements.some((one) => one.row === row))
  return measured.map((row) => table(row, measurements, view)).join('\n\n')
}

function table(
  row: RowName,
  measurements: readonly Measurement[],
  { ours, prefix = '', figures: others }: View,
): string {
  const { about, presence, figures: own }: Row = rows[row]
  const figures = others?.[row] ?? own
  const of = (peer: PeerName) => measurements.filter((one) => one.row === row && one.peer === peer)
  const [first] = figures
  const median = (peer: PeerName) => {
    const cell = first && cellOf(of(peer), first)
    return typeof cell === 'object' ? cell.median : undefined
  }
  const names = peerNames.filter((peer) => of(peer).length > 0).sort((a, b) => (median(b) ?? -1) - (median(a) ?? -1))
  const lines = names.map((peer) => {
    const cells = figures.flatMap((figure) => [write(cellOf(of(peer), figure)), against(of(ours), of(peer), figure)])
    return `| ${[peer === ours ? `**${peer}**` : peer, ...cells].join(' | ')} |`
  })
  const heads = figures.flatMap((figure) => [figureNames[figure], `${ours === 'hookbox' ? 'ours' : ours} to it`])
  return [
    `### ${prefix}${row}`,
    '',
    `${about[0]?.toUpperCase()}${about.slice(1)}.${presence ? '' : ' Without presence.'}`,
    '',
    `| server | ${heads.join(' | ')} |`,
    `| --- |${heads.map(() => ' ---: |').join('')}`,
    ...lines,
    ...limitsInWords(names.map((peer) => ({ peer, limit: limitOf(of(peer)) }))),
  ].join('\n')
}

/** Nothing where each server was as busy as it could be. */
function limitsInWords(limits: readonly { readonly peer: PeerName; readonly limit: Limit | undefined }[]): string[] {
  const those = (limit: Limit) => limits.filter((one) => one.limit === limit).map(({ peer }) => peer)
  const [generator, neither] = [those('generator'), those('neither')]
  return [
    ...(generator.length > 0
      ? ['', `The generator, and not the server, was at its limit with ${generator.join(', ')}.`]
      : []),
    ...(neither.length > 0
      ? ['', `Neither the server nor the generator was busy all the time with ${neither.join(', ')}.`]
      : []),
  ]
}

/** A median with the least and the most, or why there is none. */
export function write(cell: ReturnType<typeof cellOf>): string {
  if (cell === undefined) return ''
  if (typeof cell === 'string') return `broken: ${cell.replaceAll('|', '/')}`
  const { median, least, most, rounds } = cell
  return rounds === 1 ? number(median) : `${number(median)} (${number(least)}–${number(most)})`
}

function against(own: readonly Measurement[], theirs: readonly Measurement[], figure: Figure): string {
  if (own[0] === theirs[0]) return ''
  const ratio = ratioOf(own, theirs, figure)
  return ratio === undefined ? '' : `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)}×`
}

/** `1.23M`, `456k`, `789`, `9.5`, `0.45`, `0` */
export function number(value: number): string {
  if (value >= 999_500) return `${(value / 1_000_000).toFixed(2)}M`
  if (value >= 9_995) return `${Math.round(value / 1_000)}k`
  if (value === 0) return '0'
  if (value < 0.995) return value.toFixed(2)
  return value >= 100 ? value.toLocaleString('en', { maximumFractionDigits: 0 }) : value.toFixed(1)
}
