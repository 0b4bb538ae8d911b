import { limits } from '@hookbox/protocol'
import type { Cancel, Clock } from '../clock.ts'

/** Milliseconds between two `PING`s. */
export const pingInterval = 25_000

/** Whom a heartbeat is about. */
export interface Beating {
  /** Bytes that have not left the hub. */
  readonly buffered: number
  ping(): void
  /** It has not answered in time. */
  silent(): void
}

/** Asks a page every 25 s whether it is still there, the first time after a random part of that. */
export class Heartbeat {
  readonly #clock: Clock
  readonly #page: Beating
  #cancel: Cancel = () => {}

  constructor(clock: Clock, page: Beating) {
    this.#clock = clock
    this.#page = page
  }

  /** `part` of the interval, from 0 to 1, passes before the first `PING`: connections that came together are not asked together. */
  start(part: number): void {
    this.#wait(part * pingInterval)
  }

  /** The page has answered. */
  pong(): void {
    this.#wait(pingInterval)
  }

  stop(): void {
    this.#cancel()
  }

  #wait(delay: number): void {
    this.#cancel()
    const ping = () => {
      this.#page.ping()
      this.#expectPong(this.#page.buffered)
    }
    this.#cancel = this.#clock.after(delay, ping, 'roughly')
  }

  /** The time for the answer begins when the `PING` has left the hub: a slow line that still moves is not a silent one. */
  #expectPong(buffered: number): void {
    const look = () => {
      const left = this.#page.buffered
      if (buffered > 0 && left < buffered) this.#expectPong(left)
      else this.#page.silent()
    }
    this.#cancel = this.#clock.after(limits.pong, look, 'roughly')
  }
}
