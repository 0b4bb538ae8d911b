/** Who is in a channel, in the order they came. Beyond the number that the hub names, only how many. */
export interface Presence {
  readonly presence: readonly string[]
  readonly present: number
}

/** After somebody came or went. The same list where nobody did, or where they are too many to be named. */
export function cameOrWent({ presence, present }: Presence, user: string, came: boolean): Presence {
  if (present > presence.length) return { presence, present: present + (came ? 1 : -1) }
  let users = presence
  if (presence.includes(user) !== came) users = came ? [...presence, user] : presence.filter((one) => one !== user)
  return { presence: users, present: users.length }
}
