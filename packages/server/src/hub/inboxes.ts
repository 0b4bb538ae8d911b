import type { Position } from '@hookbox/protocol'
import type { Messages, Numbered, Options, Stop, Users } from '../broker/broker.ts'
import { Replay } from '../channel/replay.ts'
import { recoveryOf, type Signals } from '../signals/signals.ts'
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

interface Inbox {
  readonly readers: Map<string, Replay<Numbered>>
  readonly listening: Promise<Stop>
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
    const replay = this.#place(user, reader)
    replay.hold()
    const { top, missed } = await this.#read(user, since).catch((error: unknown) => {
      this.close(user, reader.id)
      throw error
    })
    if (since) this.#signals.messageRecoveries.add(recoveryOf(missed, since, top))
    return { top, missed: missed?.map(({ frame }) => frame), release: () => replay.release(top) }
  }

  /** A connection that lingers, and reads nothing until its page is back. */
  attend(user: string, reader: Reader): void {
    this.#place(user, reader)
  }

  /** The connection is gone for good. */
  close(user: string, readerId: string): void {
    const inbox = this.#inboxes.get(user)
    const replay = inbox?.readers.get(readerId)
    if (!inbox || !replay) return
    replay.end()
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

  #place(user: string, reader: Reader): Replay<Numbered> {
    const inbox = this.#inboxes.get(user) ?? this.#listen(user)
    const replay = new Replay<Numbered>(({ frame }) => reader.send(frame))
    inbox.readers.set(reader.id, replay)
    return replay
  }

  #listen(user: string): Inbox {
    const readers = new Map<string, Replay<Numbered>>()
    const listening = this.#users.listen(user, {
      messaged(numbered) {
        for (const replay of readers.values()) replay.hear(numbered)
      },
      changed: (options) => this.#events.changed(user, options),
      lost: () => this.#events.lost(user),
      came() {},
      left() {},
    })
    const inbox = { readers, listening }
    this.#inboxes.set(user, inbox)
    // The next one tries again; whoever waits for this one is told by its own promise.
    inbox.listening.catch(() => this.#inboxes.get(user) === inbox && this.#inboxes.delete(user))
    return inbox
  }
}
