import type { Json } from './json.ts'

/** What a publish in a history says. */
export interface PublishEntry {
  /** Who published; missing in an anonymous channel, null where the application published without an originator. */
  user?: string | null
  payload: Json
  /** ISO 8601 in UTC with milliseconds. */
  datetime?: string
  /** Its number in the log; missing in a prefilled history. */
  offset?: number
  /** The publisher's key, where it gave one. */
  message_id?: string
}

/** What a join or leave in a history says. */
export interface PresenceEntry {
  user: string
  /** ISO 8601 in UTC with milliseconds. */
  datetime?: string
  /** Its number in the log; missing where the channel is not presenceful. */
  offset?: number
}

/** One element of a channel's history (contract: Nouns). */
export type Entry = ['PUBLISH', PublishEntry] | ['SUBSCRIBE', PresenceEntry] | ['UNSUBSCRIBE', PresenceEntry]
