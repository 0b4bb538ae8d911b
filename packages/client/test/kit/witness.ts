import type { GapEvent, PublishEvent } from '../../src/events.ts'
import type { Subscription } from '../../src/subscription.ts'

/** Part of a log: what came after `from`, up to `to`. */
export interface Stretch {
  readonly epoch: string
  readonly from: number
  to: number
}

/** What one subscription was told, and the stretches of the log that it should have been told. */
export class Witness<Payload = number, Name extends string = string> {
  readonly told: { readonly epoch: string; readonly event: PublishEvent<Payload> }[] = []
  readonly stretches: Stretch[] = []
  /** What it was told that cannot be. */
  readonly flaws: string[] = []
  readonly sub: Subscription<Payload>
  readonly name: Name
  /** Done by the handler of the next publish. */
  inside: (() => void) | undefined
  #gap: GapEvent | undefined
  #agreed = false
  #ended = false

  constructor(sub: Subscription<Payload>, name: Name) {
    this.sub = sub
    this.name = name
    // others hold the channel already: from here on this one is told, too
    if (sub.status === 'subscribed') this.#begin(sub.position)
    sub.on('gap', (event) => {
      if (this.#ended) this.flaws.push('a gap after the end')
      if (this.#gap) this.flaws.push('two gaps before one subscribed')
      this.#gap = event
      this.#close(event.last)
      this.#begin(event.now)
    })
    sub.on('subscribed', ({ recovered }) => {
      if (this.#ended) this.flaws.push('subscribed after the end')
      if (this.stretches.length === 0) this.#begin(sub.position)
      else if (this.#agreed && recovered === (this.#gap !== undefined))
        this.flaws.push(`recovered: ${recovered} after ${this.#gap ? 'a' : 'no'} gap`)
      this.#agreed = true
      this.#gap = undefined
    })
    sub.on('publish', (event) => {
      if (this.#ended) this.flaws.push('told after the end')
      const [epoch = '', offset] = sub.position?.split(':') ?? []
      if (event.offset !== Number(offset)) this.flaws.push(`told ${event.offset} at ${sub.position}`)
      if (this.#gap) this.flaws.push(`told ${event.offset} between a gap and its subscribed`)
      this.told.push({ epoch, event })
      this.inside?.()
    })
  }

  get over(): boolean {
    return ['cancelled', 'ended', 'refused'].includes(this.sub.status)
  }

  /** From here on nothing may be told; `untold` of what its position counts already was not its turn yet. */
  end(untold = 0): void {
    if (this.#ended) return
    this.#ended = true
    this.#close(this.sub.position)
    const last = this.stretches.at(-1)
    if (last !== undefined) last.to -= untold
  }

  #begin(position: string | undefined): void {
    const [epoch = '', offset] = position?.split(':') ?? []
    this.stretches.push({ epoch, from: Number(offset), to: Number.NaN })
  }

  #close(position: string | undefined): void {
    const stretch = this.stretches.at(-1)
    if (stretch === undefined) return
    const [epoch, offset] = position?.split(':') ?? []
    if (epoch !== stretch.epoch) this.flaws.push(`a stretch of ${stretch.epoch} ended in ${epoch}`)
    stretch.to = Number(offset)
  }
}
