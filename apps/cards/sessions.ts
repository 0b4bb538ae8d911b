import { randomBytes } from 'node:crypto'

/** The name under which the application itself sends private messages. Nobody else may have it. */
export const dealerName = 'Dealer'

/** Who has signed in, and who of them is connected. In memory: whoever was here signs in again after a restart. */
export class Sessions {
  readonly #names = new Map<string, string>()
  readonly #present = new Map<string, string>()
  readonly #missing = new Set<string>()

  /**
   * Opens a session and returns its id, which goes into the cookie; undefined when somebody else has the name. A hand is
   * private, so one name is one person, unlike in the chat.
   */
  signIn(name: string): string | undefined {
    if (folded(name) === folded(dealerName) || this.#present.has(folded(name))) return undefined
    // Whoever had the name and has gone loses it.
    for (const [session, other] of this.#names) if (folded(other) === folded(name)) this.#names.delete(session)
    const session = randomBytes(24).toString('base64url')
    this.#names.set(session, name)
    return session
  }

  signOut(session: string): void {
    this.#names.delete(session)
  }

  nameOf(session: string | undefined): string | undefined {
    return session === undefined ? undefined : this.#names.get(session)
  }

  /** A page has connected. */
  came(name: string): void {
    this.#present.set(folded(name), name)
    this.#missing.delete(name)
  }

  /** The last page has gone. */
  left(name: string): void {
    this.#present.delete(folded(name))
    this.#missing.delete(name)
  }

  /** Nobody is connected any more, though nobody wanted to go. They keep their names until it shows who comes back. */
  missAll(): void {
    for (const name of this.#present.values()) this.#missing.add(name)
  }

  /** Who has not come back. */
  get missing(): string[] {
    return [...this.#missing]
  }
}

/** Two names that only differ in capitals would be one to whoever reads them. */
const folded = (name: string) => name.toLowerCase()
