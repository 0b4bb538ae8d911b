import type { Stop } from '../broker.ts'
import type { Context } from './context.ts'

/** What one node says to another. The first letter says who is meant to read it. */
export interface Mailbox {
  /** Tells how many heard it: one, or none where that node hears nothing at the moment. */
  post(node: string, text: string): Promise<number>
}

/** What a node hears that is said to it alone, by the first letter. */
export class RedisMailbox implements Mailbox {
  readonly #context: Context
  readonly #readers = new Map<string, (text: string) => void>()

  constructor(context: Context) {
    this.#context = context
  }

  read(letter: string, reader: (text: string) => void): void {
    this.#readers.set(letter, reader)
  }

  /** From now on, what is said to this node is heard. */
  open(node: string): Promise<Stop> {
    const heard = (text: string) => {
      try {
        this.#readers.get(text.slice(0, 1))?.(text.slice(2))
      } catch (err) {
        this.#context.log.error({ err }, 'could not read what another node said')
      }
    }
    return this.#context.servers.topics.subscribe(this.#context.keys.node(node), { heard, gap() {} })
  }

  async post(node: string, text: string): Promise<number> {
    const spot = this.#context.keys.node(node)
    return Number(await this.#context.servers.send(spot, 'SPUBLISH', spot.topic, text))
  }
}
