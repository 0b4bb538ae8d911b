import { type Entry, HookboxError, type Json, type PublishEntry } from '@hookbox/protocol'
import type { Emitter } from './emitter.ts'
import type { PublishEvent, SubscribedEvent, SubscriptionEvents } from './events.ts'
import type { Shown, Tell, Told } from './view.ts'

/** Makes of a payload what the page wants, or throws. */
export type Parse = (payload: Json) => unknown

/** How one subscription is told what its channel says. */
export interface Reader {
  tell: Tell
  /** The history as the page reads it; the same list until one comes or goes. */
  history(): readonly Entry[]
  /** Entries that the hub sent for themselves, as the page reads them. */
  page(entries: Entry[]): Entry[]
}

/**
 * With `parse`, payloads are told as it makes them. What it throws at is left out, everywhere, and told as `error` when it
 * comes: by a publish, with the snapshot that the hub agrees with, or fetched.
 */
export function createReader(events: Emitter<SubscriptionEvents>, shown: Shown, parse: Parse | undefined): Reader {
  /** Each entry once: a list is read more often than it grows, and a page may compare what it got. */
  const known = new WeakMap<Entry, Entry[]>()
  let source: readonly Entry[] | undefined
  let list: readonly Entry[] = []

  function readAll<List extends readonly Entry[]>(entries: List, silent?: boolean): List {
    if (!parse) return entries
    return entries.flatMap((entry) => {
      let made = known.get(entry)
      if (!made) {
        const [name, said] = entry
        try {
          made = [name === 'PUBLISH' ? [name, { ...said, payload: parse(said.payload) as Json }] : entry]
        } catch (cause) {
          made = []
          if (!silent) events.tell('error', new HookboxError('bad_request', `payload: ${cause}`, { cause }))
        }
        known.set(entry, made)
      }
      return made
    }) as readonly Entry[] as List
  }

  return {
    tell<Name extends keyof Told>(name: Name, ...args: Parameters<Told[Name]>) {
      const [event] = args
      // what comes late is told for itself, by publishes
      if (name === 'subscribed' && !(event as SubscribedEvent).recovered) readAll(shown.history)
      if (parse && name === 'publish') {
        for (const [, said] of readAll([['PUBLISH', event as PublishEntry]]))
          events.tell('publish', said as PublishEvent)
      } else if (events.hears(name)) {
        const all = name in shown ? [shown[name as keyof Shown], ...args] : args
        events.tell(name, ...(all as Parameters<SubscriptionEvents[Name]>))
      }
    },
    history() {
      if (source !== shown.history) {
        source = shown.history
        list = readAll(source, true)
      }
      return list
    },
    page: readAll,
  }
}
