import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { Cancel, Clock } from '../clock.ts'

/** Milliseconds by which timers were late. */
export interface LoopDelay {
  readonly p99: number
  readonly max: number
}

/** Milliseconds between two looks of the timer that is watched. */
const resolution = 10

/** Milliseconds without a question after which nobody looks any more. */
const forgotten = 10_000

/** Milliseconds that one measurement takes at least: several who ask at once get the same. */
const period = 900

/** How late the event loop is. It is measured only while somebody asks. */
export class LoopDelayMeter {
  readonly #clock: Clock
  #histogram: IntervalHistogram | undefined
  #since = 0
  #last: LoopDelay | undefined
  #cancel: Cancel = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Since about a second ago; undefined where nothing was measured yet. */
  read(): LoopDelay | undefined {
    this.#cancel()
    this.#cancel = this.#clock.after(forgotten, () => this.stop())
    const now = this.#clock.now()
    if (!this.#histogram) {
      this.#histogram = monitorEventLoopDelay({ resolution })
      this.#histogram.enable()
      this.#since = now
    } else if (now - this.#since >= period && this.#histogram.count > 0) {
      this.#last = measured(this.#histogram)
      this.#histogram.reset()
      this.#since = now
    }
    return this.#last
  }

  stop(): void {
    this.#cancel()
    this.#histogram?.disable()
    this.#histogram = undefined
    this.#last = undefined
  }
}

/** Nanoseconds between two looks, of which the resolution was asked for. */
function measured(histogram: IntervalHistogram): LoopDelay {
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution)
  return { p99: late(histogram.percentile(99)), max: late(histogram.max) }
}
