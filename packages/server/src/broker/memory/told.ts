import type { Position } from '@hookbox/protocol'
import type { PreparedFrame } from '../../transport/prepared-frame.ts'
import type { Numbered, Unnumbered } from '../broker.ts'
import type { BoundedQueue } from './bounded-queue.ts'

/** What a window keeps. It knows its neighbours among all that is kept, so that it leaves without being looked for. */
export class Told implements Numbered {
  readonly name: Unnumbered['name']
  readonly position: Position
  readonly frame: PreparedFrame
  readonly at: number
  readonly origin: string | undefined
  readonly #window: BoundedQueue<Told>
  #older: Told | undefined
  #newer: Told | undefined

  constructor({ name, position, frame, at, origin }: Numbered, window: BoundedQueue<Told>) {
    this.name = name
    this.position = position
    this.frame = frame
    this.at = at
    this.origin = origin
    this.#window = window
  }

  get bytes(): number {
    return this.frame.length
  }

  get older(): Told | undefined {
    return this.#older
  }

  get newer(): Told | undefined {
    return this.#newer
  }

  /** It is younger than all others, of which `before` was the youngest. */
  comeAfter(before: Told | undefined): void {
    this.#older = before
    if (before) before.#newer = this
  }

  /** Its neighbours are each other's now; who still holds it does not hold all the others. */
  leave(): void {
    if (this.#older) this.#older.#newer = this.#newer
    if (this.#newer) this.#newer.#older = this.#older
    this.#older = undefined
    this.#newer = undefined
  }

  /** For the oldest of all: in its window everything before it is gone already. */
  fallOut(): void {
    this.#window.dropOldest()
  }
}
