import type { PeerName } from './peers.ts'
import { type Figure, type Row, type RowName, rows, smallIsGood } from './rows.ts'

/** One line of the results: what was measured, and what the generator printed of it. */
export interface Measurement {
  readonly peer: PeerName
  readonly row: RowName
  readonly at: string
  /** Why there is no number. */
  readonly error?: string | undefined
  readonly [figure: string]: number | string | undefined
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
  const { error, lost, dead } = measurement
  if (error !== undefined) return error
  if (typeof lost === 'number' && lost !== 0) return `${lost} deliveries were lost`
  if (typeof dead === 'number' && dead > 0) return `${dead} connections died`
  const { figures }: Row = rows[measurement.row]
  const missing = figures.find((figure) => !Number.isFinite(measurement[figure]))
  return missing && `the generator told no ${missing}`
}

/** What is written where there is a number, or why there is none. */
export function cellOf(measurements: readonly Measurement[], figure: Figure): Cell | string | undefined {
  const faults = measurements.flatMap((one) => faultOf(one) ?? [])
  if (faults[0] !== undefined) return faults[0]
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
 * one in the next, and then the median of these.
 */
export function ratioOf(
  ours: readonly Measurement[],
  theirs: readonly Measurement[],
  figure: Figure,
): number | undefined {
  const ratios = ours.flatMap((one, round) => {
    const other = theirs[round]
    if (!other || faultOf(one) !== undefined || faultOf(other) !== undefined) return []
    const ratio = (one[figure] as number) / (other[figure] as number)
    return [smallIsGood.has(figure) ? 1 / ratio : ratio]
  })
  return ratios.length === 0 ? undefined : medianOf(ratios.sort((a, b) => a - b))
}
