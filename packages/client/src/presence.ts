import { same } from './same.ts'

/** Who is in a channel, in the order they came. Beyond the number that the hub names, only how many. */
export interface Presence {
  /** Made when it is read. Stays the same list until somebody named comes or goes. */
  readonly snapshot: readonly string[]
  readonly count: number
  /** Whether that is another presence. */
  replace(users: readonly string[], count: number): boolean
  /** Somebody came or went: whether the list is another one. It is not where they are too many to be named. */
  change(user: string, came: boolean): boolean
}

export function createPresence(): Presence {
  let named = new Set<string>()
  /** What was read last, where it is so still. */
  let given: readonly string[] | undefined
  /** How many are here beyond those who are named. */
  let more = 0

  const presence: Presence = {
    get snapshot() {
      given ??= [...named]
      return given
    },
    get count() {
      return named.size + more
    },
    replace(users, count) {
      const others = count !== presence.count || !same(users, presence.snapshot)
      if (others) {
        given = users
        named = new Set(users)
        more = count - named.size
      }
      return others
    },
    change(user, came) {
      const others = more === 0 && named.has(user) !== came
      if (more > 0) more += came ? 1 : -1
      if (others) {
        given = undefined
        if (came) named.add(user)
        else named.delete(user)
      }
      return others
    },
  }
  return presence
}
