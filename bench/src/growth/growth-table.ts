import { type Cell, cellIn } from '../results.ts'
import { number, write } from '../table.ts'
import { type Curve, type CurveName, curveNames, curves, growthFigureNames } from './curves.ts'
import { faultOfPoint, type Grown } from './growth.ts'

/** Beyond so many times the cheapest point of its curve, a point is marked. */
const tooDear = 3

/** Markdown: a table for each curve, a line for each point, and what a unit of work costs there to what it costs where it is cheapest. */
export function growthTables(measured: readonly Grown[]): string {
  const names = curveNames.filter((name) => measured.some(({ curve }) => curve === name))
  return names.map((name) => growthTable(name, measured)).join('\n\n')
}

function growthTable(name: CurveName, measured: readonly Grown[]): string {
  const { about, grows, figures, cost, unit, points }: Curve = curves[name]
  const taken = points.flatMap(({ at }) => {
    const here = measured.filter(({ curve, point }) => curve === name && point === at)
    if (here.length === 0) return []
    const fault = here.map(faultOfPoint).find((one) => one !== undefined)
    return [{ at, cell: (figure: string): Cell | string | undefined => fault ?? cellIn(here, figure) }]
  })
  const medians = taken.map(({ cell }) => {
    const found = cell(cost)
    return typeof found === 'object' ? found.median : undefined
  })
  const toCheapest = inTimes(medians)
  const lines = taken.map(({ at, cell }, index) => {
    const cells = figures.map((figure) => write(cell(figure)))
    return `| ${[at.toLocaleString('en'), ...cells, toCheapest[index]].join(' | ')} |`
  })
  const heads = [grows, ...figures.map((figure) => growthFigureNames[figure]), `a ${unit}, to the cheapest`]
  return [
    `### ${name}`,
    '',
    `${about[0]?.toUpperCase()}${about.slice(1)}.`,
    '',
    `| ${heads.join(' | ')} |`,
    `|${heads.map(() => ' ---: |').join('')}`,
    ...lines,
  ].join('\n')
}

/**
 * Each cost by the smallest. What is dear where there is more of it is superlinear; what is dear where there is less pays for
 * what is done once, whatever there is.
 */
export function inTimes(costs: readonly (number | undefined)[]): string[] {
  const least = Math.min(...costs.filter((cost) => cost !== undefined))
  const cheapest = costs.indexOf(least)
  return costs.map((cost, index) => {
    if (cost === undefined) return ''
    const times = cost / least
    if (times <= tooDear) return `${number(times)}×`
    return index > cheapest ? `**${number(times)}×, superlinear**` : `${number(times)}×, what is done once`
  })
}
