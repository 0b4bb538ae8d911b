import type { Stop } from '../broker/broker.ts'

/** Tells channels when users whom they watch connect to the server and leave it (contract: `server_presenceful`). */
export class ServerPresence {
  readonly #isHere: (user: string) => boolean
  readonly #watchers = new Map<string, Set<() => void>>()

  constructor(isHere: (user: string) => boolean) {
    this.#isHere = isHere
  }

  isHere(user: string): boolean {
    return this.#isHere(user)
  }

  /** Hears of each of these users, until it is stopped. */
  watch(users: readonly string[], hear: () => void): Stop {
    for (const user of users) {
      const watchers = this.#watchers.get(user) ?? new Set()
      watchers.add(hear)
      this.#watchers.set(user, watchers)
    }
    return () => {
      for (const user of users) {
        const watchers = this.#watchers.get(user)
        watchers?.delete(hear)
        if (watchers?.size === 0) this.#watchers.delete(user)
      }
    }
  }

  /** A user has come, or gone. */
  changed(user: string): void {
    for (const hear of this.#watchers.get(user) ?? []) hear()
  }
}
