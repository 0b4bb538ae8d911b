import type { Rest } from './rest.ts'
import { dealerName } from './sessions.ts'
import type { Table, Told } from './table.ts'

export const channelName = 'table'

/** Milliseconds until what could not be told is tried again. */
const pause = 1_000

/** Tells what has changed: to everybody by the state of the channel, to each player by a private message. */
export class Dealer {
  readonly #table: Table
  readonly #rest: Rest
  /** What everybody knows, as JSON text; undefined when that is not certain. */
  #toldState: string | undefined
  readonly #toldViews = new Map<string, string>()
  /** One call after the other, so that what is told last is what is true. */
  #calls = Promise.resolve()
  #again: NodeJS.Timeout | undefined
  #closed = false

  constructor(table: Table, rest: Rest) {
    this.#table = table
    this.#rest = rest
  }

  /** Tells the difference to what was told before, if there is any. */
  tell(): void {
    this.#later(async () => {
      clearTimeout(this.#again)
      const wellTold = [await this.#tellState(), ...(await this.#tellViews())].every(Boolean)
      if (!wellTold && !this.#closed) this.#again = setTimeout(() => this.tell(), pause)
    })
  }

  /** Somebody has gone without a word, so the application says it. */
  announce(user: string, told: Told): void {
    this.#later(async () => {
      // Nobody there means nobody to tell; a hub that is down gets it with the history of its new channel.
      await this.#rest('publish', { channel_name: channelName, originator: user, payload: told })
    })
  }

  /** The channel begins anew, so nothing is known to be told. */
  startOver(): void {
    this.#toldState = undefined
    this.#toldViews.clear()
  }

  /** Puts somebody out of all pages: a private message reaches whoever is connected under the name. */
  async putOut(name: string): Promise<void> {
    await this.#rest('disconnect_user', { user_name: name })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#again)
  }

  #later(task: () => Promise<void>): void {
    this.#calls = this.#calls.then(() => (this.#closed ? undefined : task()))
  }

  /** All of it in one call, so that no page ever sees half a move; subscribers get no more than the difference. */
  async #tellState(): Promise<boolean> {
    const { state } = this.#table
    const text = JSON.stringify(state)
    if (text === this.#toldState) return true
    const outcome = await this.#rest('set_channel_options', { channel_name: channelName, state })
    this.#toldState = outcome === 'done' ? text : undefined
    return outcome !== 'fault'
  }

  async #tellViews(): Promise<boolean[]> {
    const { seats } = this.#table
    for (const name of this.#toldViews.keys()) if (!seats.includes(name)) this.#toldViews.delete(name)
    return Promise.all(seats.map((name) => this.#tellView(name)))
  }

  async #tellView(name: string): Promise<boolean> {
    const { moves, ...seen } = this.#table.viewOf(name)
    const text = JSON.stringify(seen)
    if (text === this.#toldViews.get(name)) return true
    this.#toldViews.set(name, text)
    const payload = { ...seen, moves }
    const outcome = await this.#rest('message', { sender_name: dealerName, recipient_name: name, payload })
    if (outcome === 'fault') this.#toldViews.delete(name)
    return outcome !== 'fault'
  }
}
