import type { Config } from '../config/config.ts'

/** Where a hub listens. */
export interface Listening {
  readonly url: string
  readonly restUrl?: string | undefined
  readonly adminUrl?: string | undefined
}

/** What the command says to one of its workers. */
export type ToWorker =
  /** Answers `here`. It is read once, for all workers and those that take their places, whatever becomes of the file. */
  | { readonly kind: 'begin'; readonly config: Config }
  | { readonly kind: 'stop' }
  /** Answered by `metrics`. */
  | { readonly kind: 'tell metrics'; readonly id: number }
  /** Answers `ask metrics`. */
  | { readonly kind: 'all metrics'; readonly id: number; readonly texts: readonly string[] }

/** What a worker says to the command. */
export type FromWorker =
  /** Comes first: what was said before was not heard. Answered by `begin`, or by `stop`. */
  | { readonly kind: 'here' }
  | { readonly kind: 'listening'; readonly listening: Listening }
  /** It ends, for a reason that is for people to read. */
  | { readonly kind: 'failed'; readonly message: string; readonly code: number }
  /** Answers `tell metrics`. */
  | { readonly kind: 'metrics'; readonly id: number; readonly text: string }
  /** Answered by `all metrics`. */
  | { readonly kind: 'ask metrics'; readonly id: number }

/** In the environment of a worker: its number. Not an option, so without the prefix that those have. */
export const workerVariable = 'WORKER_OF_HOOKBOX'
