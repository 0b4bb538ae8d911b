import { readdirSync, readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Hubs } from './scenario.ts'

/** What was used, in the hubs and in this process, which has the pages and the checker. */
export interface Usage {
  readonly hub: Used
  readonly pages: Used
}

export interface Used {
  /** Megabytes of heap after collecting garbage, at the last look; undefined where it could not be seen. */
  readonly heap: number | undefined
  /** Megabytes an hour, by linear regression over the second half of the run. */
  readonly slope: number | undefined
  /** Open descriptors, at the first look and at the last. */
  readonly descriptors: readonly [number, number] | undefined
}

interface Look {
  /** Hours. */
  readonly at: number
  readonly heap: number | undefined
  readonly descriptors: number | undefined
}

/** Milliseconds between two looks. */
const interval = 5_000

/** What a hub answers a SIGUSR2 with. A handler of the soak's own, loaded beside the command, so that any command can be measured. */
const answer = 'soak heap '
const collect = `import{setFlagsFromString}from'node:v8';import{runInNewContext}from'node:vm';setFlagsFromString('--expose-gc');const gc=runInNewContext('gc');process.on('SIGUSR2',()=>{gc();process.stderr.write('${answer}'+process.memoryUsage().heapUsed+'\\n')})`
export const hubEnvironment: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(collect)}`,
}

/** Looks every few seconds, from now on until it is stopped. */
export function startGauge(hubs: Hubs): { readonly usage: Usage; stop(): void } {
  const looks: { hub: Look[]; pages: Look[] } = { hub: [], pages: [] }
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void

  function look(): void {
    const at = Date.now() / 3_600_000
    gc()
    looks.pages.push({ at, heap: process.memoryUsage().heapUsed, descriptors: descriptorsOf('self') })
    const [pid] = hubs.pids
    // Answered since the last look.
    const heap = /.*soak heap (\d+)\n/s.exec(hubs.output)?.[1]
    looks.hub.push({
      at,
      heap: heap === undefined ? undefined : Number(heap),
      descriptors: pid === undefined ? undefined : descriptorsOf(String(pid)),
    })
    for (const one of hubs.pids) signal(one)
  }

  const timer = setInterval(look, interval)
  return {
    get usage() {
      return { hub: used(looks.hub), pages: used(looks.pages) }
    },
    stop: () => clearInterval(timer),
  }
}

/** What a process has in memory; undefined where the system does not tell. */
export function megabytesOf(pid: number | undefined): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1_024
  } catch {
    return undefined
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGUSR2')
  } catch {
    // It has just been taken away.
  }
}

/** Undefined where the system does not tell. */
function descriptorsOf(pid: string): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return undefined
  }
}

function used(looks: readonly Look[]): Used {
  const heaps = looks.flatMap(({ at, heap }) => (heap === undefined ? [] : [{ at, heap: heap / 1_048_576 }]))
  const counts = looks.flatMap(({ descriptors }) => descriptors ?? [])
  const [first, last] = [counts[0], counts.at(-1)]
  return {
    heap: heaps.at(-1)?.heap,
    slope: slopeOf(heaps.slice(Math.floor(heaps.length / 2))),
    descriptors: first === undefined || last === undefined ? undefined : [first, last],
  }
}

/** Fewer looks than this say nothing about an hour. */
const fewest = 12

/** By least squares; undefined for fewer than twelve looks. */
export function slopeOf(points: readonly { readonly at: number; readonly heap: number }[]): number | undefined {
  if (points.length < fewest) return undefined
  const mean = (of: (point: (typeof points)[number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [at, heap] = [mean((point) => point.at), mean((point) => point.heap)]
  const over = points.reduce((sum, point) => sum + (point.at - at) * (point.heap - heap), 0)
  const under = points.reduce((sum, point) => sum + (point.at - at) ** 2, 0)
  return under === 0 ? undefined : over / under
}
