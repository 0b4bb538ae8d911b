import {
  exceeds,
  formatPosition,
  HookboxError,
  type JsonText,
  limits,
  members,
  type Published,
  spliceFrame,
  toJsonText,
} from '@hookbox/protocol'
import type { Appended, Lease, Remembered } from '../broker/broker.ts'
import { datetimeText } from '../datetime.ts'
import { PreparedFrame } from '../transport/prepared-frame.ts'
import type { Caller } from '../webhooks/callbacks.ts'
import { type ChannelOptions, retention } from './options.ts'
import { asks } from './rules.ts'
import type { ChannelServices } from './services.ts'
import type { Subscriber } from './subscriber.ts'

/** A publish, whoever it is by. */
export interface Publishing {
  readonly payload: JsonText
  /** The name shown as publisher; null where the application named none. */
  readonly originator: string | null
  readonly caller: Caller
  /** The connection that asked; undefined when the application did. */
  readonly origin: Subscriber | undefined
  /** The publisher's own key, and the log's key for it. */
  readonly messageId: { readonly id: string; readonly key: string } | undefined
  /** Whether the `publish` webhook is asked: as the options say, or whatever they say. */
  readonly ask: 'as options say' | 'always' | 'never'
}

/** Publishing into one channel: known already? allowed? then number, keep and tell, in one step of the log. */
export class Publisher {
  readonly #channelName: string
  readonly #services: ChannelServices
  /** By key: a repeat of a publish that is still being decided waits for its outcome. */
  readonly #inFlight = new Map<string, Promise<Published>>()

  constructor(channelName: string, services: ChannelServices) {
    this.#channelName = channelName
    this.#services = services
  }

  /**
   * @throws HookboxError `refused`, `webhook_failed`, `too_large`, `unknown_channel`
   */
  publish(by: Publishing, options: () => ChannelOptions, at: () => number): Promise<Published> {
    const key = by.messageId?.key
    return key === undefined ? this.#decide(by, options, at) : this.#publishOnce(key, by, options, at)
  }

  async #publishOnce(key: string, by: Publishing, options: () => ChannelOptions, at: () => number): Promise<Published> {
    const inFlight = this.#inFlight.get(key)
    if (inFlight) return { ...(await inFlight), duplicate: true }
    // In flight from the start: a repeat must not slip through while the log is asked about this one. What it has, it knows by itself.
    const decided = asksAbout(by, options())
      ? this.#recallOrDecide(key, by, options, at)
      : this.#decide(by, options, at)
    this.#inFlight.set(key, decided)
    try {
      return await decided
    } finally {
      this.#inFlight.delete(key)
    }
  }

  /** The application is asked about it, and no other node asks about a repeat meanwhile. */
  async #recallOrDecide(
    key: string,
    by: Publishing,
    options: () => ChannelOptions,
    at: () => number,
  ): Promise<Published> {
    const { leases, log } = this.#services.broker
    const lease: Lease = await leases.wait({ of: 'publish', channel: this.#channelName, idKey: key })
    try {
      const known = await log.recall(this.#channelName, key)
      return known ? repeat(known, by.origin) : await this.#decide(by, options, at)
    } finally {
      await lease.release()
    }
  }

  async #decide(by: Publishing, current: () => ChannelOptions, at: () => number): Promise<Published> {
    let options = current()
    const { broker, callbacks } = this.#services
    let payload = by.payload
    let onlyToSender = false
    if (asksAbout(by, options)) {
      const verdict = await callbacks.publish(by.caller, {
        channelName: this.#channelName,
        payload,
        originator: options.anonymous || by.originator === null ? undefined : by.originator,
        messageId: by.messageId?.id,
      })
      if (by.origin) this.#services.obey(by.origin.user, by.caller, verdict)
      if (!verdict.ok) throw verdict.error
      payload = verdict.details.overridePayload ?? payload
      onlyToSender = verdict.details.onlyToSender
      // They may be others by now.
      options = current()
    }
    const now = at()
    const inside = members({
      user: options.anonymous ? undefined : toJsonText(by.originator),
      payload,
      datetime: datetimeText(now),
      message_id: by.messageId && toJsonText(by.messageId.id),
    })
    if (exceeds(inside, limits.frame)) {
      throw new HookboxError('too_large', `payload: expected an entry of at most ${limits.frame} bytes`)
    }
    if (onlyToSender) return this.#tellSender(by, inside)
    const appended: Appended = await broker.log.append(
      this.#channelName,
      { name: 'PUBLISH', inside, at: now, origin: by.origin?.id },
      { told: true, kept: options.historySize > 0, keep: retention(options), idKey: by.messageId?.key },
    )
    return appended.duplicate ? repeat(appended, by.origin) : { position: formatPosition(appended.position) }
  }

  /** A publish for its sender alone has no number and enters no history (contract: `only_to_sender`). */
  async #tellSender(by: Publishing, inside: string): Promise<Published> {
    const frame = new PreparedFrame(
      spliceFrame(0, 'PUBLISH', `"channel_name":${toJsonText(this.#channelName)},${inside}`),
    )
    if (by.messageId) await this.#services.broker.log.remember(this.#channelName, by.messageId.key, frame)
    by.origin?.send(frame)
    return {}
  }
}

function asksAbout(by: Publishing, options: ChannelOptions): boolean {
  return by.ask === 'always' || (by.ask === 'as options say' && asks(options, 'publish'))
}

function repeat(known: Remembered, origin: Subscriber | undefined): Published {
  if ('position' in known) return { position: formatPosition(known.position), duplicate: true }
  origin?.send(known.frame)
  return { duplicate: true }
}
