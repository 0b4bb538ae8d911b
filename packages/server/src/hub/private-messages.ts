import { exceeds, HookboxError, type JsonText, limits, members, toJsonText } from '@hookbox/protocol'
import type { Broker } from '../broker/broker.ts'
import type { Clock } from '../clock.ts'
import { datetimeText } from '../datetime.ts'
import type { Signals } from '../signals/signals.ts'
import type { Callbacks } from '../webhooks/callbacks.ts'
import type { Memberships } from './memberships.ts'
import { readUserOptions } from './user-options.ts'
import type { UserConnection, Users } from './users.ts'

export interface PrivateMessagesParts {
  readonly broker: Broker
  readonly callbacks: Callbacks
  readonly clock: Clock
  readonly signals: Signals
  readonly users: Users
  readonly obey: Memberships['obey']
}

/** Messages from one user to another. */
export class PrivateMessages {
  readonly #broker: Broker
  readonly #callbacks: Callbacks
  readonly #clock: Clock
  readonly #signals: Signals
  readonly #users: Users
  readonly #obey: PrivateMessagesParts['obey']

  constructor(parts: PrivateMessagesParts) {
    this.#broker = parts.broker
    this.#callbacks = parts.callbacks
    this.#clock = parts.clock
    this.#signals = parts.signals
    this.#users = parts.users
    this.#obey = parts.obey
  }

  /** A page sends a private message. True when it was sent before, and so not sent again. */
  async send(
    connection: UserConnection,
    recipient: string,
    payload: JsonText,
    messageId: string | undefined,
  ): Promise<boolean> {
    if (messageId === undefined) {
      await this.#askAndDeliver(connection, recipient, payload, messageId)
      return false
    }
    const { leases, messages } = this.#broker
    // A repeat of one under way waits for its outcome.
    const lease = await leases.wait({ of: 'message', user: connection.user, id: messageId })
    try {
      if (await messages.wasSent(connection.user, messageId)) return true
      await this.#askAndDeliver(connection, recipient, payload, messageId)
      await messages.sent(connection.user, messageId)
      return false
    } finally {
      await lease.release()
    }
  }

  async #askAndDeliver(
    connection: UserConnection,
    recipient: string,
    payload: JsonText,
    messageId: string | undefined,
  ): Promise<void> {
    const { caller, user: sender } = connection
    if (this.#users.get(sender)?.options.moderatedMessage === false) {
      await this.deliver(sender, recipient, payload)
      return
    }
    const [recipientExists = false] = await this.#broker.users.areHere([recipient])
    const verdict = await this.#callbacks.message(caller, { sender, recipient, recipientExists, payload, messageId })
    this.#obey(sender, caller, verdict)
    if (!verdict.ok) throw verdict.error
    const { overrideRecipientName = recipient, overridePayload = payload } = verdict.details
    await this.deliver(sender, overrideRecipientName, overridePayload)
  }

  /** Sends it on to all connections of the recipient, and a copy to the sender who wants one. Gives how many connections got it. */
  async deliver(sender: string, recipient: string, payload: JsonText): Promise<number> {
    const inside = members({
      sender: toJsonText(sender),
      recipient: toJsonText(recipient),
      payload,
      datetime: datetimeText(this.#clock.now()),
    })
    if (exceeds(inside, limits.frame)) {
      throw new HookboxError('too_large', `payload: expected a message of at most ${limits.frame} bytes`)
    }
    const { messages, users } = this.#broker
    await messages.send(recipient, inside)
    this.#signals.messages++
    const reflecting = sender === recipient ? undefined : await users.find(sender)
    if (reflecting && readUserOptions(reflecting.options).reflective) await messages.send(sender, inside)
    const recipients = (await users.find(recipient))?.connections ?? []
    return recipients.filter(({ live }) => live).length
  }
}
