import { HookboxError, type Json } from '@hookbox/protocol'
import type { Broker, ConnectionChange, Noted } from '../broker/broker.ts'
import type { Duty } from '../channel/services.ts'
import type { Subscriber } from '../channel/subscriber.ts'
import { isUnavailable } from '../insist.ts'
import type { Background } from './background.ts'
import type { Departure } from './tellings.ts'

/** What a node notes for whoever inherits from it. */
export type Note =
  | { readonly kind: 'duty'; readonly duty: Duty }
  | { readonly kind: 'gone'; readonly id: string; readonly departure: Departure }
  | { readonly kind: 'started'; readonly id: string }

export interface NotesParts {
  readonly background: Background
  readonly stopping: () => boolean
  /** What has changed of a connection could not be noted: all of it is to be noted as soon as that can be. */
  readonly failed: (connectionId: string) => Promise<void>
}

/** What others have to know who may take over from this node. What nobody waits for is written again where it is lost. */
export class Notes {
  readonly #broker: Pick<Broker, 'users' | 'nodes'>
  readonly #parts: NotesParts

  constructor(broker: Pick<Broker, 'users' | 'nodes'>, parts: NotesParts) {
    this.#broker = broker
    this.#parts = parts
  }

  /** What a connection is in a channel from now on; null: nothing. */
  membership(by: Pick<Subscriber, 'id' | 'user'>, channelName: string, membership: Noted | null): void {
    this.connection(by, { channels: [[channelName, membership]] })
  }

  /**
   * What a connection is about to be in a channel. Noted before it is true: what was never true is taken back more easily than
   * what nobody knows of. False where the connection has ended, or is another node's by now.
   *
   * @throws HookboxError `unavailable`
   */
  async entering(
    by: Pick<Subscriber, 'id' | 'user' | 'gone'>,
    channelName: string,
    membership: 'asked' | 'promised',
  ): Promise<boolean> {
    const { users, nodes } = this.#broker
    if (await users.update(by.user, by.id, { channels: [[channelName, membership]] })) return true
    const known = (await users.find(by.user))?.connections.find(({ id }) => id === by.id)
    if (by.gone || (known && known.node !== nodes.id)) return false
    // The broker has lost it, as where a replica took its master's place that had not heard of it.
    this.#parts.background('noting a connection again', () => this.#parts.failed(by.id))
    throw new HookboxError('unavailable', 'what is noted of this connection was lost, and is being noted again')
  }

  /** What has changed of a connection. */
  connection(by: Pick<Subscriber, 'id' | 'user'>, change: ConnectionChange): void {
    this.#parts.background('noting what a connection is', async () => {
      try {
        await this.#broker.users.update(by.user, by.id, change)
      } catch (error) {
        if (this.#parts.stopping() || !isUnavailable(error)) throw error
        await this.#parts.failed(by.id)
      }
    })
  }

  /** What this node is to see to, or not any more. */
  duty(duty: Duty, due: boolean): void {
    // What this node saw to until it stopped, its heir is to see to.
    if (this.#parts.stopping() && !due) return
    const key = JSON.stringify(Object.values(duty))
    const note: Note = { kind: 'duty', duty }
    this.#parts.background('noting what is to be done', () =>
      this.#broker.nodes.note(key, due ? (note as unknown as Json) : null),
    )
  }
}
