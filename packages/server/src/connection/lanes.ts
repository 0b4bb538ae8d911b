import { Serial } from '../serial.ts'
import { ensure, type Soon } from '../soon.ts'

/** Requests of one connection that wait for the one before them at the same thing; beyond it `too_many`. */
const maxWaiting = 256

/** What one page asks keeps its order at each thing that it is about, although each request may wait for a webhook. */
export class Lanes {
  /** Those where something is under way: mostly none. */
  #lanes: Map<string, Serial> | undefined

  /** `shares`: it need not wait for those right before it that share as well. */
  run<T>(key: string, task: () => Soon<T>, shares: boolean): Soon<T> {
    const lane = this.#lanes?.get(key) ?? new Serial(maxWaiting)
    const soon = shares ? lane.share(task) : lane.run(task)
    if (!(soon instanceof Promise)) return soon
    this.#lanes ??= new Map()
    this.#lanes.set(key, lane)
    return ensure(
      () => soon,
      () => this.#dropIfIdle(key, lane),
    )
  }

  #dropIfIdle(key: string, lane: Serial): void {
    if (!lane.idle || this.#lanes?.get(key) !== lane) return
    this.#lanes.delete(key)
    if (this.#lanes.size === 0) this.#lanes = undefined
  }
}
