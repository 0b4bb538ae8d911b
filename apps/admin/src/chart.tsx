import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { chartTime } from './seen.ts'

/** One curve. */
export interface Curve {
  readonly label: string
  /** Which of the colours of the style sheet: `--curve-1` to `--curve-3`. */
  readonly colour: 1 | 2 | 3
  readonly values: readonly (number | null)[]
  /** Its area is filled. */
  readonly filled?: boolean
}

interface ChartProps {
  /** What it shows, for those who do not see it. */
  readonly says: string
  /** Seconds since 1970. */
  readonly times: readonly number[]
  readonly curves: readonly Curve[]
  readonly write: (value: number) => string
}

const height = 132

/** Curves of the last minutes, that move on with every look. */
export function Chart({ says, times, curves, write }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const latest = useRef({ times, curves, write })
  latest.current = { times, curves, write }

  useEffect(() => {
    const element = place.current
    if (!element) return
    const draw = () => {
      plot.current?.destroy()
      const { curves, write } = latest.current
      plot.current = new uPlot(optionsOf(element, curves, write), dataOf(latest.current), element)
    }
    draw()
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }))
    resized.observe(element)
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', draw)
    return () => {
      dark.removeEventListener('change', draw)
      resized.disconnect()
      plot.current?.destroy()
    }
  }, [])

  useEffect(() => plot.current?.setData(dataOf({ times, curves })), [times, curves])

  return <div class="chart" ref={place} role="img" aria-label={says} />
}

/** Seconds: few at first, so that there is something to be seen. */
function shownTime(seen: number): number {
  return [60, 120].find((time) => seen <= time) ?? chartTime
}

function ago(seconds: number): string {
  return seconds % 60 === 0 ? `−${seconds / 60} min` : `−${seconds} s`
}

function dataOf({ times, curves }: Pick<ChartProps, 'times' | 'curves'>): uPlot.AlignedData {
  return [[...times], ...curves.map(({ values }) => [...values])] as uPlot.AlignedData
}

function optionsOf(element: HTMLElement, curves: readonly Curve[], write: (value: number) => string): uPlot.Options {
  const style = getComputedStyle(element)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const font = `11px ${style.fontFamily}`
  const axis = { font, stroke: colour('--soft'), ticks: { show: false } }
  return {
    width: element.clientWidth,
    height,
    padding: [8, 0, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: (_plot, min, max) => [max - shownTime(max - min), max] },
      y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.15 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 22,
        gap: 4,
        grid: { show: false },
        splits: (_plot, _axis, min, max) => [0.8, 0.6, 0.4, 0.2].map((part) => max - part * (max - min)),
        values: (plot, splits) => splits.map((at) => ago(Math.round((plot.scales.x?.max ?? at) - at))),
      },
      {
        ...axis,
        side: 1,
        size: 62,
        gap: 8,
        space: 34,
        grid: { stroke: colour('--line'), width: 1 },
        values: (_plot, splits) => splits.map(write),
      },
    ],
    series: [
      {},
      ...curves.map(({ label, colour: number, filled }) => ({
        label,
        stroke: colour(`--curve-${number}`),
        width: 1.75,
        points: { show: false },
        spanGaps: false,
        ...(filled && { fill: colour(`--curve-${number}-area`) }),
      })),
    ],
  }
}
