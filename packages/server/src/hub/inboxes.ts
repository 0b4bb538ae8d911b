import type { Position } from '@hookbox/protocol'
import type { Messages, Numbered, Options, Stop, UserEar, Users } from '../broker/broker.ts'
import { Replay } from '../channel/replay.ts'
import { recoveryOf, type Signals } from '../signals/signals.ts'
import { SmallMap } from '../small-map.ts'
import type { PreparedFrame } from '../transport/prepared-frame.ts'

/** Whoever is sent private messages. */
export interface Reader {
  readonly id: string
  send(frame: PreparedFrame): void
}

/** What else this node hears of the users who have connections here. */
export interface InboxEvents {
  /** The user's options are others now. */
  changed(user: string, options: Options): void
  /** Messages may be lost: the user's pages are to take up their log again. */
  lost(user: string): void
}

/** A connection's place at its user's private messages, until it is released: nothing is sent to it so far. */
export interface OpenedInbox {
  readonly top: Position
  /** What was sent after the position that was asked for; undefined when some of it is gone, or nothing was asked for. */
  readonly missed: readonly PreparedFrame[] | undefined
  /** From here on what is sent arrives, first what came meanwhile. */
  release(): void
}

/** The private messages of one user, and who reads them here. */
class Inbox implements UserEar {
  readonly user: string
  /** Each as it is, or held back. By id. */
  readonly readers: SmallMap<Reader | Replay<Numbered>> = new SmallMap()
  readonly listening: Promise<Stop>
  readonly #events: InboxEvents

  constructor(user: string, users: Users, events: InboxEvents) {
    this.user = user
    this.#events = events
    this.listening = users.listen(user, this)
  }

  messaged(numbered: Numbered): void {
    for (const reader of this.readers.values()) {
      if (reader instanceof Replay) reader.hear(numbered)
      else reader.send(numbered.frame)
    }
  }

  changed(options: Options): void {
    this.#events.changed(this.user, options)
  }

  lost(): void {
    this.#events.lost(this.user)
  }

  came(): void {}

  left(): void {}
}

/** The private messages of the users who have connections at this node. */
export class Inboxes {
  readonly #messages: Messages
  readonly #users: Users
  readonly #signals: Signals
  readonly #events: InboxEvents
  readonly #inboxes = new Map<string, Inbox>()

  constructor(messages: Messages, users: Users, signals: Signals, events: InboxEvents) {
    this.#messages = messages
    this.#users = users
    this.#signals = signals
    this.#events = events
  }

  /** The order is the point, as with channels: held back, then read, so that nothing is missed and nothing comes twice. */
  async open(user: string, reader: Reader, since: Position | undefined): Promise<OpenedInbox> {
    const { readers } = this.#inbox(user)
    const replay = new Replay<Numbered>(({ frame }) => reader.send(frame))
    replay.hold()
    readers.set(reader.id, replay)
    const { top, missed } = await this.#read(user, since).catch((error: unknown) => {
      this.close(user, reader.id)
      throw error
    })
    if (since) this.#signals.messageRecoveries.add(recoveryOf(missed, since, top))
    const release = () => {
      replay.release(top)
      if (readers.get(reader.id) === replay) readers.set(reader.id, reader)
    }
    return { top, missed: missed?.map(({ frame }) => frame), release }
  }

  /** A connection that lingers, and reads nothing until its page is back. */
  attend(user: string, reader: Reader): void {
    this.#inbox(user).readers.set(reader.id, reader)
  }

  /** The connection is gone for good. */
  close(user: string, readerId: string): void {
    const inbox = this.#inboxes.get(user)
    const place = inbox?.readers.get(readerId)
    if (!inbox || !place) return
    if (place instanceof Replay) place.end()
    inbox.readers.delete(readerId)
    if (inbox.readers.size > 0) return
    this.#inboxes.delete(user)
    inbox.listening.then(
      (stop) => stop(),
      () => {},
    )
  }

  async #read(user: string, since: Position | undefined): ReturnType<Messages['read']> {
    await this.#inboxes.get(user)?.listening
    return this.#messages.read(user, since)
  }

  #inbox(user: string): Inbox {
    const known = this.#inboxes.get(user)
    if (known) return known
    const inbox = new Inbox(user, this.#users, this.#events)
    this.#inboxes.set(user, inbox)
    // The next one tries again; whoever waits for this one is told by its own promise.
    inbox.listening.catch(() => this.#inboxes.get(user) === inbox && this.#inboxes.delete(user))
    return inbox
  }
}
