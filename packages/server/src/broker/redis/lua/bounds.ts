/** Milliseconds after which Redis itself lets go of what is long past every window, as nobody may come to trim it. */
export const safetyNet = 900_000
