/** Random numbers that the same seed repeats: set `HOOKBOX_SEED` to what a failed test printed. */
export function chance(): { readonly random: () => number; readonly seed: string } {
  const seed = Number(process.env.HOOKBOX_SEED ?? Math.floor(Math.random() * 2 ** 32))
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
