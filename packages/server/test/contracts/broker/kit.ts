import type { Json, JsonText, Position } from '@hookbox/protocol'
import { Inbox, type TestClock } from '@hookbox/testkit'
import type {
  Appending,
  Broker,
  ChannelEar,
  Entering,
  Estate,
  NewConnection,
  NodeEvents,
  Numbered,
  Options,
  Retention,
  Seed,
  TicketRecord,
  Unnumbered,
  UserEar,
} from '../../../src/broker/broker.ts'

/** What a test of the contract begins with. */
export interface Beginning {
  readonly broker: Broker
  readonly clock: TestClock
  /** Another node over the same data. */
  join(): Promise<Broker>
  /** A node vanishes without leaving; settles when the others may know. */
  crash(broker: Broker): Promise<void>
}

export type Setup = () => Promise<Beginning>

export const keep: Retention = { size: 3, duration: 0, publishOnly: false }
export const all: Retention = { size: 100, duration: 0, publishOnly: false }
export const none: Retention = { size: 0, duration: 0, publishOnly: false }
export const empty: Seed = { history: [], state: new Map(), keep }
export const plain = '{}' as JsonText

export const told: Appending = { told: true, kept: true, keep }
export const onlyKept: Appending = { told: false, kept: true, keep }
export const onlyTold: Appending = { told: true, kept: false, keep }
export const entering: Entering = { ...told, anyway: false }

export function json(value: Json): JsonText {
  return JSON.stringify(value) as JsonText
}

export function publish(payload: number, origin?: string): Unnumbered {
  return { name: 'PUBLISH', inside: `"payload":${payload}`, at: 0, origin }
}

export function joined(user: string): Unnumbered {
  return { name: 'SUBSCRIBE', inside: `"user":${JSON.stringify(user)}`, at: 0 }
}

export function left(user: string): Unnumbered {
  return { name: 'UNSUBSCRIBE', inside: `"user":${JSON.stringify(user)}`, at: 0 }
}

/** A change of the state, and what is told of it. */
export function stateOf(updates: { readonly [key: string]: Json }, deletes: readonly string[] = []) {
  const what: Unnumbered = {
    name: 'STATE_UPDATE',
    inside: `"updates":${JSON.stringify(updates)},"deletes":${JSON.stringify(deletes)}`,
    at: 0,
  }
  const entries = Object.entries(updates).map(([key, value]) => [key, json(value)] as const)
  return { what, change: { updates: new Map(entries), deletes } }
}

/** The frame by which a channel tells a publish. */
export function publishFrame(channel: string, offset: number, payload: number): string {
  return `[0,"PUBLISH",{"channel_name":${JSON.stringify(channel)},"offset":${offset},"payload":${payload}}]`
}

/** What is told to somebody, in the order in which it came. */
export class Told {
  readonly #inbox = new Inbox<string>(String)

  put(what: string): void {
    this.#inbox.put(what)
  }

  async next(): Promise<string> {
    return this.#inbox.take(() => true, 'something to be told')
  }

  async take(count: number): Promise<string[]> {
    const taken: string[] = []
    while (taken.length < count) taken.push(await this.next())
    return taken
  }
}

export class RecordingEar extends Told implements ChannelEar {
  readonly numbered: Numbered[] = []

  heard = (numbered: Numbered): void => {
    this.numbered.push(numbered)
    this.put(`${numbered.name} ${numbered.position.offset}`)
  }
  changed: ChannelEar['changed'] = ({ options, revision }) => this.put(`changed ${revision} ${options}`)
  lost: ChannelEar['lost'] = ({ offset }) => this.put(`lost ${offset}`)
  removed: ChannelEar['removed'] = (how) => this.put(how === 'lost' ? 'removed, lost' : 'removed')
}

export class RecordingUserEar extends Told implements UserEar {
  messaged: UserEar['messaged'] = ({ frame }) => this.put(frame.text)
  lost: UserEar['lost'] = ({ offset }) => this.put(`lost ${offset}`)
  changed: UserEar['changed'] = (options) => this.put(`changed ${JSON.stringify(options)}`)
  came: UserEar['came'] = () => this.put('came')
  left: UserEar['left'] = () => this.put('left')
}

/** Hears what becomes of a node, and takes over whatever is left to it. */
export class RecordingNode extends Told implements NodeEvents {
  readonly estates: Estate[] = []

  inherit = async (estate: Estate): Promise<void> => {
    this.estates.push(estate)
    this.put(`inherit ${estate.node}`)
  }
  expelled = (fresh: boolean): void => this.put(`expelled${fresh ? ', fresh' : ''}`)
  restore = (): void => this.put('restore')
}

export async function createChannel(broker: Broker, channel = 'chat', seed: Seed = empty): Promise<void> {
  await broker.channels.create(channel, plain, seed)
}

/** Opens a channel that is there. */
export async function listen(broker: Broker, channel = 'chat'): Promise<{ ear: RecordingEar; stop: () => void }> {
  const ear = new RecordingEar()
  const opened = await broker.channels.open(channel, ear)
  if (!opened) throw new Error(`there is no channel ${channel}`)
  return { ear, stop: opened.stop }
}

/** What has no message id, or a new one, is no repeat. */
export async function append(broker: Broker, what: Unnumbered, how: Appending = told): Promise<Position> {
  const appended = await broker.log.append('chat', what, how)
  if (appended.duplicate) throw new Error('expected no repeat')
  return appended.position
}

export async function topOf(broker: Broker, channel = 'chat'): Promise<Position> {
  return (await broker.log.read(channel, keep)).top
}

/** The payloads in a history, or who it is about. */
export function payloadsOf(history: string): unknown[] {
  const entries = JSON.parse(history) as [string, { payload?: unknown; user?: unknown }][]
  return entries.map(([, { payload, user }]) => payload ?? user)
}

export function connectionOf(id: string, user = 'ann'): NewConnection {
  return { id, user, pageId: `page of ${id}`, cookies: 'a=1', address: '127.0.0.1' }
}

const options: Options = { reflective: true }

export async function connect(broker: Broker, id: string, user = 'ann', changes: Options = {}) {
  return broker.users.enter(connectionOf(id, user), { byDefault: options, changes })
}

export function ticketOf(text: string): TicketRecord {
  return { text, cookies: 'digest', payload: 'digest', answer: json({ answer: 1 }), deadline: undefined }
}
