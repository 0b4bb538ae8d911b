import type { Clock } from '../clock.ts'
import { randomId } from '../ids.ts'

/** Milliseconds after which a session ends in which nobody has done anything. */
export const idleTime = 1_800_000

/** Sessions at a time; beyond it the one that has been idle longest ends. */
const maxSessions = 100

interface Session {
  /** As it was when the session began: with another one the session ends. */
  readonly password: string
  lastUse: number
}

/** Who has shown the password at this node. A session is known by its secret, which begins with the node's name. */
export class Sessions {
  readonly #clock: Pick<Clock, 'now'>
  /** The one that has been idle longest is first. */
  readonly #sessions = new Map<string, Session>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Gives the secret: 128 random bits behind the node's name. */
  open(node: string, password: string): string {
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size >= maxSessions && oldest !== undefined) this.#sessions.delete(oldest)
    const secret = `${node}${randomId()}`
    this.#sessions.set(secret, { password, lastUse: this.#clock.now() })
    return secret
  }

  /** Whether it goes on. With `used` somebody has just done something. */
  goesOn(secret: string, password: string | undefined, used: boolean): boolean {
    const session = this.#sessions.get(secret)
    if (!session) return false
    if (session.password !== password || this.#clock.now() - session.lastUse > idleTime) {
      this.#sessions.delete(secret)
      return false
    }
    if (used) {
      session.lastUse = this.#clock.now()
      this.#sessions.delete(secret)
      this.#sessions.set(secret, session)
    }
    return true
  }

  end(secret: string): void {
    this.#sessions.delete(secret)
  }
}

/** The name of the node that has a session. */
export function nodeOfSession(secret: string): string {
  return secret.slice(0, secret.length / 2)
}
