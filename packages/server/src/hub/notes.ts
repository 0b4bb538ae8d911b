import type { Json } from '@hookbox/protocol'
import type { Broker, ConnectionChange, Membership } from '../broker/broker.ts'
import type { Duty } from '../channel/services.ts'
import type { Subscriber } from '../channel/subscriber.ts'
import type { Background } from './background.ts'
import type { Departure } from './tellings.ts'

/** What a node notes for whoever inherits from it. */
export type Note =
  | { readonly kind: 'duty'; readonly duty: Duty }
  | { readonly kind: 'gone'; readonly id: string; readonly departure: Departure }
  | { readonly kind: 'started'; readonly id: string }

/** What others have to know who may take over from this node. Nobody waits for it: what is lost is written again. */
export class Notes {
  readonly #broker: Pick<Broker, 'users' | 'nodes'>
  readonly #background: Background
  readonly #stopping: () => boolean

  constructor(broker: Pick<Broker, 'users' | 'nodes'>, background: Background, stopping: () => boolean) {
    this.#broker = broker
    this.#background = background
    this.#stopping = stopping
  }

  /** What a connection is in a channel from now on; null: nothing. */
  membership(by: Pick<Subscriber, 'id' | 'user'>, channelName: string, membership: Membership | null): void {
    this.connection(by, { channels: new Map([[channelName, membership]]) })
  }

  /** What has changed of a connection. */
  connection(by: Pick<Subscriber, 'id' | 'user'>, change: ConnectionChange): void {
    this.#background('noting what a connection is', async () => {
      await this.#broker.users.update(by.user, by.id, change)
    })
  }

  /** What this node is to see to, or not any more. */
  duty(duty: Duty, due: boolean): void {
    // What this node saw to until it stopped, its heir is to see to.
    if (this.#stopping() && !due) return
    const key = JSON.stringify(Object.values(duty))
    const note: Note = { kind: 'duty', duty }
    this.#background('noting what is to be done', () =>
      this.#broker.nodes.note(key, due ? (note as unknown as Json) : null),
    )
  }
}
