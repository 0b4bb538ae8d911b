/** Random numbers, and how to have them again. */
export interface Chance {
  /** From 0 to below 1. */
  random(): number
  readonly seed: string
}

/** The same seed gives the same numbers. */
export function chance(seed: number = Math.floor(Math.random() * 2 ** 32)): Chance {
  let state = seed
  return {
    random() {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
    },
    seed: `HOOKBOX_SEED=${seed}`,
  }
}
