import type { Stop, Users } from '../broker/broker.ts'

/** Tells channels when users whom they watch connect to the server and leave it (contract: `server_presenceful`). */
export class ServerPresence {
  readonly #users: Users
  readonly #failed: (error: unknown) => void

  /** `failed` hears why a user could not be watched. */
  constructor(users: Users, failed: (error: unknown) => void) {
    this.#users = users
    this.#failed = failed
  }

  areHere(users: readonly string[]): Promise<boolean[]> {
    return this.#users.areHere(users)
  }

  /** Hears of each of these users, until it is stopped; once as soon as none of them can be missed. */
  watch(users: readonly string[], hear: () => void): Stop {
    const listening = users.map((user) => this.#listen(user, hear))
    Promise.all(listening).then(hear)
    return () => {
      for (const stopping of listening) stopping.then((stop) => stop())
    }
  }

  async #listen(user: string, hear: () => void): Promise<Stop> {
    const nothing = () => {}
    try {
      return await this.#users.listen(user, { messaged: nothing, changed: nothing, lost: hear, came: hear, left: hear })
    } catch (error) {
      this.#failed(error)
      return nothing
    }
  }
}
