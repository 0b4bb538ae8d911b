/** How often each of a few words was counted. The words come from tables of ours, so that there are never many. */
export class Tally<Word extends string = string> {
  readonly #counts = new Map<Word, number>()

  add(word: Word, times: number = 1): void {
    this.#counts.set(word, (this.#counts.get(word) ?? 0) + times)
  }

  get(word: Word): number {
    return this.#counts.get(word) ?? 0
  }

  entries(): Iterable<readonly [Word, number]> {
    return this.#counts.entries()
  }
}
