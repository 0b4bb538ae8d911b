/** Who is in a channel, in the order they came. Beyond the number that the hub names, only how many. */
export class Presence {
  #users = new Set<string>()
  #unnamed = 0
  #list: readonly string[] | undefined

  /** Stays the same list until somebody comes or goes. */
  get list(): readonly string[] {
    this.#list ??= [...this.#users]
    return this.#list
  }

  get count(): number {
    return Math.max(this.#unnamed, this.#users.size)
  }

  /** Whether it changed anything. */
  replace(users: readonly string[], count: number = users.length): boolean {
    const before = this.list
    const same = this.count === count && before.length === users.length && before.every((user, i) => user === users[i])
    if (same) return false
    this.#users = new Set(users)
    this.#unnamed = count > users.length ? count : 0
    this.#list = undefined
    return true
  }

  join(user: string): boolean {
    if (this.#unnamed > 0) {
      this.#unnamed++
      return false
    }
    if (this.#users.has(user)) return false
    this.#users.add(user)
    this.#list = undefined
    return true
  }

  leave(user: string): boolean {
    if (this.#unnamed > 0) {
      this.#unnamed--
      return false
    }
    if (!this.#users.delete(user)) return false
    this.#list = undefined
    return true
  }
}
