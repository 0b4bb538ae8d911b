import { quote } from '@hookbox/protocol'
import { printable } from '../printable.ts'

/** Something that was told in a channel, as programs get it: one line of JSON each. */
export type Told =
  | {
      readonly event: 'publish'
      readonly user?: string | null
      readonly payload: unknown
      readonly datetime?: string
      readonly offset?: number
      readonly message_id?: string
      /** It was there before. */
      readonly history?: true
    }
  | {
      readonly event: 'subscribe' | 'unsubscribe'
      readonly user: string
      readonly datetime?: string
      readonly history?: true
    }
  | { readonly event: 'state'; readonly updates: object; readonly deletes: readonly string[] }
  | { readonly event: 'gap'; readonly reason: 'expired' | 'epoch'; readonly lost?: number }

/** The same for people. */
export function readable(told: Told): string {
  return printable(line(told))
}

function line(told: Told): string {
  switch (told.event) {
    case 'publish':
      return `${clock(told.datetime)}  ${told.user ?? '–'}: ${JSON.stringify(told.payload)}`
    case 'subscribe':
      return `${clock(told.datetime)}  ${told.user} came`
    case 'unsubscribe':
      return `${clock(told.datetime)}  ${told.user} left`
    case 'state': {
      const gone = told.deletes.length === 0 ? '' : `, without ${told.deletes.map((key) => quote(key)).join(', ')}`
      return `${' '.repeat(8)}  state: ${JSON.stringify(told.updates)}${gone}`
    }
    case 'gap':
      return `${' '.repeat(8)}  ${told.lost === undefined ? 'what was told meanwhile is lost' : `lost: ${told.lost}`}`
  }
}

/** In the time of this machine. An application need not say when something was that it filled a history with. */
function clock(datetime: string | undefined): string {
  return datetime === undefined ? ' '.repeat(8) : new Date(datetime).toTimeString().slice(0, 8)
}
