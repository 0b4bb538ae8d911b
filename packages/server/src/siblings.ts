/** The processes that serve the same port as this one. Whoever asks at the port does not choose which of them answers. */
export interface Siblings {
  /** The number of this one among them, from 1. Whoever takes its place has the same. */
  readonly worker: number
  /** `own` says what this one alone would answer when it is asked for its metrics. */
  answer(own: () => Promise<string>): void
  /** What each of them answers, this one too; without those that do not answer. */
  all(): Promise<readonly string[]>
}
