/** How often each of a few words was counted. The words come from tables of ours, so that there are never many. */
export class Tally<Word extends string = string> {
  readonly #counts: Map<Word, number>

  /** Words that are there from the start, so that whoever watches sees the first time as a change. */
  constructor(words: Iterable<Word> = []) {
    this.#counts = new Map([...words].map((word) => [word, 0]))
  }

  add(word: Word): void {
    this.#counts.set(word, this.get(word) + 1)
  }

  get(word: Word): number {
    return this.#counts.get(word) ?? 0
  }

  entries(): Iterable<readonly [Word, number]> {
    return this.#counts.entries()
  }
}
