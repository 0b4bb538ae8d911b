import type { Told } from './measure.ts'
import type { PeerName } from './peers.ts'
import { type Figure, type Row, type RowName, rows, smallIsGood } from './rows.ts'

/** One line of the results: what was measured, and what the generator printed of it. */
export interface Measurement extends Told {
  readonly peer: PeerName
  readonly row: RowName
  readonly at: string
}

/** What several measurements of the same come to. */
export interface Cell {
  readonly median: number
  readonly least: number
  readonly most: number
  readonly rounds: number
}

/** Why a measurement is no number: it broke, or something was lost. Undefined where it is one. */
export function faultOf(measurement: Measurement): string | undefined {
  const { figures }: Row = rows[measurement.row]
  const nothing = figures.find((figure) => done.has(figure) && measurement[figure] === 0)
  return faultIn(measurement, figures) ?? (nothing && `${nothing} is 0`)
}

/** The same of whatever was measured, of which these figures are to be told. */
export function faultIn(told: Told, figures: readonly string[]): string | undefined {
  const { error, lost, dead } = told
  if (error !== undefined) return error
  if (typeof lost === 'number' && lost !== 0) return `${lost} deliveries were lost`
  if (typeof dead === 'number' && dead > 0) return `${dead} connections died`
  const missing = figures.find((figure) => !Number.isFinite(told[figure]))
  return missing && `there is no ${missing}`
}

/** Figures that count what was done. */
const done: ReadonlySet<string> = new Set<Figure>(['deliveries_per_s', 'msgs_per_s', 'per_s'])

/** What is written where there is a number, or why there is none. */
export function cellOf(measurements: readonly Measurement[], figure: Figure): Cell | string | undefined {
  const fault = measurements.map(faultOf).find((one) => one !== undefined)
  return fault ?? cellIn(measurements, figure)
}

/** Of measurements without a fault. Undefined where there are none. */
export function cellIn(measurements: readonly Told[], figure: string): Cell | undefined {
  const values = measurements.map((one) => one[figure] as number).sort((a, b) => a - b)
  const [least, most] = [values[0], values.at(-1)]
  if (least === undefined || most === undefined) return undefined
  return { median: medianOf(values), least, most, rounds: values.length }
}

/** Of numbers in order. */
export function medianOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  return ((values[Math.floor(middle)] ?? Number.NaN) + (values[Math.ceil(middle)] ?? Number.NaN)) / 2
}

/**
 * How many times as good ours is, whatever is good: above 1 we are ahead. Of each round by itself, as the machine is another
 * one in the next, and then the median of these. Undefined where any of these measurements is no number.
 */
export function ratioOf(
  ours: readonly Measurement[],
  theirs: readonly Measurement[],
  figure: Figure,
): number | undefined {
  if ([...ours, ...theirs].some((one) => faultOf(one) !== undefined)) return undefined
  const ratios = ours.flatMap((one, round) => {
    const other = theirs[round]
    if (!other) return []
    const ratio = (one[figure] as number) / (other[figure] as number)
    return [smallIsGood.has(figure) ? 1 / ratio : ratio]
  })
  return ratios.length === 0 ? undefined : medianOf(ratios.sort((a, b) => a - b))
}

/** What was at its limit while the server was measured: the server itself, as it should be, the generator, or neither. */
export type Limit = 'server' | 'generator' | 'neither'

/** Of one processor, from where on it counts as busy all the time. */
export const busy = { server: 0.9, generator: 0.97 } as const

/** By how busy both were, in the middle of the rounds. Undefined where nobody knows, and where nothing is meant to be at its limit. */
export function limitOf(measurements: readonly Measurement[]): Limit | undefined {
  const [first] = measurements
  const row: Row | undefined = first && rows[first.row]
  if (!row?.isFull || measurements.some((one) => faultOf(one) !== undefined)) return undefined
  const server = cellIn(measurements, 'server_cpu')?.median
  const generator = cellIn(measurements, 'gen_cpu')?.median
  if (server === undefined || generator === undefined || Number.isNaN(server + generator)) return undefined
  if (server >= busy.server) return 'server'
  return generator >= busy.generator ? 'generator' : 'neither'
}
