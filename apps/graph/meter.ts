import { cpus, freemem, totalmem } from 'node:os'

/** How busy this machine is, in percent. */
export interface Load {
  cpu: number
  memory: number
}

export interface Measurement {
  datetime: string
  load: Load
}

export interface Meter {
  /** The last measurements, oldest first. There is always one. */
  readonly measurements: readonly Measurement[]
  close(): void
}

/** Measures once per second, whether anybody watches or not, and remembers the last `count` of it. */
export function startMeter(count: number): Meter {
  let before = cpuTimes()
  // The first one has no second behind it: what the processors did since the machine started has to do.
  const measurements = [measure({ busy: 0, all: 0 }, before)]
  const timer = setInterval(() => {
    const after = cpuTimes()
    measurements.push(measure(before, after))
    if (measurements.length > count) measurements.shift()
    before = after
  }, 1000)
  return { measurements, close: () => clearInterval(timer) }
}

interface CpuTimes {
  busy: number
  all: number
}

function cpuTimes(): CpuTimes {
  let idle = 0
  let all = 0
  for (const { times } of cpus()) {
    idle += times.idle
    all += times.user + times.nice + times.sys + times.irq + times.idle
  }
  return { busy: all - idle, all }
}

function measure(before: CpuTimes, after: CpuTimes): Measurement {
  const all = after.all - before.all
  const cpu = all === 0 ? 0 : (after.busy - before.busy) / all
  const memory = 1 - freemem() / totalmem()
  return { datetime: new Date().toISOString(), load: { cpu: percent(cpu), memory: percent(memory) } }
}

/** One digit after the point. */
const percent = (share: number) => Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10
