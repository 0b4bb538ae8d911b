import {
  exceeds,
  formatPosition,
  HookboxError,
  type JsonText,
  limits,
  type Published,
  spliceFrame,
  toJsonText,
} from '@hookbox/protocol'
import type { Lease, Remembered } from '../broker/broker.ts'
import { datetimeText } from '../datetime.ts'
import { after, ensure, type Soon } from '../soon.ts'
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

/** How things stand in the channel at the moment. */
export interface PublisherView {
  options(): ChannelOptions
  /** Milliseconds since 1970; never goes back within a channel. */
  now(): number
}

/** Publishing into one channel: known already? allowed? then number, keep and tell, in one step of the log. */
export class Publisher {
  readonly #channelName: string
  readonly #services: ChannelServices
  readonly #view: PublisherView
  /** By key: a repeat of a publish that is still being decided waits for its outcome. */
  readonly #inFlight = new Map<string, Promise<Published>>()

  constructor(channelName: string, services: ChannelServices, view: PublisherView) {
    this.#channelName = channelName
    this.#services = services
    this.#view = view
  }

  /**
   * Nothing comes between where nobody is asked and the log is in this process.
   *
   * @throws HookboxError `refused`, `webhook_failed`, `too_large`, `unknown_channel`
   */
  publish(by: Publishing): Soon<Published> {
    const key = by.messageId?.key
    if (key === undefined) return this.#decide(by)
    const inFlight = this.#inFlight.get(key)
    if (inFlight) return inFlight.then((published) => ({ ...published, duplicate: true }))
    // What the log has, it knows by itself.
    const decided = asksAbout(by, this.#view.options()) ? this.#recallOrDecide(key, by) : this.#append(by, by.payload)
    if (!(decided instanceof Promise)) return decided
    // In flight from the start: a repeat must not slip through while the log is asked about this one.
    this.#inFlight.set(key, decided)
    return ensure(
      () => decided,
      () => void this.#inFlight.delete(key),
    )
  }

  /** The application is asked about it, and no other node asks about a repeat meanwhile. */
  async #recallOrDecide(key: string, by: Publishing): Promise<Published> {
    const { leases, log } = this.#services.broker
    const lease: Lease = await leases.wait({ of: 'publish', channel: this.#channelName, idKey: key })
    try {
      const known = await log.recall(this.#channelName, key)
      return known ? repeat(known, by.origin) : await this.#decide(by)
    } finally {
      await lease.release()
    }
  }

  /** Whether the application is asked may have changed since. */
  #decide(by: Publishing): Soon<Published> {
    return asksAbout(by, this.#view.options()) ? this.#askAndAppend(by) : this.#append(by, by.payload)
  }

  async #askAndAppend(by: Publishing): Promise<Published> {
    const verdict = await this.#services.callbacks.publish(by.caller, {
      channelName: this.#channelName,
      payload: by.payload,
      originator: this.#view.options().anonymous || by.originator === null ? undefined : by.originator,
      messageId: by.messageId?.id,
    })
    if (by.origin) this.#services.obey(by.origin.user, by.caller, verdict)
    if (!verdict.ok) throw verdict.error
    const { overridePayload = by.payload, onlyToSender } = verdict.details
    return onlyToSender ? this.#tellSender(by, overridePayload) : this.#append(by, overridePayload)
  }

  #append(by: Publishing, payload: JsonText): Soon<Published> {
    const options = this.#view.options()
    const at = this.#view.now()
    const appended = this.#services.broker.log.append(
      this.#channelName,
      { name: 'PUBLISH', inside: insideOf(by, payload, options, at), at, origin: by.origin?.id },
      { told: true, kept: options.historySize > 0, keep: retention(options), idKey: by.messageId?.key },
    )
    return after(appended, (appended) =>
      appended.duplicate ? repeat(appended, by.origin) : { position: formatPosition(appended.position) },
    )
  }

  /** A publish for its sender alone has no number and enters no history (contract: `only_to_sender`). */
  async #tellSender(by: Publishing, payload: JsonText): Promise<Published> {
    const inside = insideOf(by, payload, this.#view.options(), this.#view.now())
    const frame = new PreparedFrame(
      spliceFrame(0, 'PUBLISH', `"channel_name":${toJsonText(this.#channelName)},${inside}`),
    )
    if (by.messageId) await this.#services.broker.log.remember(this.#channelName, by.messageId.key, frame)
    by.origin?.send(frame)
    return {}
  }
}

/** @throws HookboxError `too_large` */
function insideOf(by: Publishing, payload: JsonText, { anonymous }: ChannelOptions, at: number): string {
  const user = anonymous ? '' : `"user":${toJsonText(by.originator)},`
  const messageId = by.messageId === undefined ? '' : `,"message_id":${toJsonText(by.messageId.id)}`
  const inside = `${user}"payload":${payload},"datetime":${datetimeText(at)}${messageId}`
  if (!exceeds(inside, limits.frame)) return inside
  throw new HookboxError('too_large', `payload: expected an entry of at most ${limits.frame} bytes`)
}

function asksAbout(by: Publishing, options: ChannelOptions): boolean {
  return by.ask === 'always' || (by.ask === 'as options say' && asks(options, 'publish'))
}

function repeat(known: Remembered, origin: Subscriber | undefined): Published {
  if ('position' in known) return { position: formatPosition(known.position), duplicate: true }
  origin?.send(known.frame)
  return { duplicate: true }
}
