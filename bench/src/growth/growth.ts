import { put, type Times, type Told } from '../measure.ts'
import { peers } from '../peers.ts'
import { faultIn } from '../results.ts'
import { type Curve, type CurveName, curves, type Point } from './curves.ts'

/** One line of the results: a point of a curve, and what the generator printed of it. */
export interface Grown extends Told {
  readonly curve: CurveName
  readonly point: number
  readonly at: string
}

/** Measures one point with a hub of its own. */
export async function measurePoint(generator: string, curve: CurveName, point: Point, times: Times): Promise<Grown> {
  const at = new Date().toISOString()
  return { curve, point: point.at, at, ...(await put(generator, peers.hookbox, point, times)) }
}

/** Why a point is no number: it broke, lost something, or nothing was done. Undefined where it is one. */
export function faultOfPoint(grown: Grown): string | undefined {
  const { figures }: Curve = curves[grown.curve]
  const nothing = figures.find((figure) => Number(grown[figure]) <= 0)
  return faultIn(grown, figures) ?? (nothing && `${nothing} is ${grown[nothing]}`)
}
