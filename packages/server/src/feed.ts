/** One thing that was told, with the number that follows the one before it. */
export interface Told<T> {
  readonly number: number
  readonly what: T
}

/** How much of a feed is kept. */
export interface FeedBounds {
  readonly items: number
  /** Of all that is kept together, as whoever adds it counts. */
  readonly bytes: number
}

/** The last of what happened, oldest first, within bounds: beyond them the oldest is forgotten. */
export class Feed<T> {
  readonly #bounds: FeedBounds
  readonly #kept: { readonly told: Told<T>; readonly bytes: number }[] = []
  #bytes = 0
  #last = 0

  constructor(bounds: FeedBounds) {
    this.#bounds = bounds
  }

  add(what: T, bytes: number): void {
    const told = { number: ++this.#last, what }
    this.#kept.push({ told, bytes })
    this.#bytes += bytes
    while (this.#kept.length > this.#bounds.items || this.#bytes > this.#bounds.bytes) {
      this.#bytes -= this.#kept.shift()?.bytes ?? 0
    }
  }

  /** What is kept of that which came after this number; all of it, without one. */
  after(number: number = 0): Told<T>[] {
    return this.#kept.flatMap(({ told }) => (told.number > number ? [told] : []))
  }
}
