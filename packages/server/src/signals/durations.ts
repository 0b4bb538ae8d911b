/** How long something took, each time: counted by bounds, so that no single time is kept. */
export class Durations {
  /** Seconds; each counts what took at most so long. */
  readonly bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  /** `bounds` from low to high. */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  add(seconds: number): void {
    this.#sum += seconds
    this.#count++
    const index = this.bounds.findIndex((bound) => seconds <= bound)
    if (index >= 0) this.#counts[index] = (this.#counts[index] ?? 0) + 1
  }

  /** Of each bound, how often it took at most so long: a longer one counts what the shorter ones did, too. */
  get cumulated(): readonly number[] {
    let sum = 0
    return this.#counts.map((count) => {
      sum += count
      return sum
    })
  }

  /** Seconds, all together. */
  get sum(): number {
    return this.#sum
  }

  get count(): number {
    return this.#count
  }
}
