import { randomId } from '../../ids.ts'
import type { Context } from './context.ts'
import type { Spot } from './keys.ts'
import { strikeOut } from './lua/strike-out.ts'
import { numberOf, pairsOf } from './replies.ts'

/** Milliseconds during which a name may stand in an index before there is anything by that name. */
const ahead = 60_000

/** How many names are looked after at a time. */
const atOnce = 500

/**
 * The names of all channels, or of all users. What they name lies elsewhere, so that no single step changes both: a name is
 * put in before, and struck out after, so that none is ever missing. What is too much is left out by whoever reads.
 *
 * Each name stands with a token of whoever put it in last, and is struck out only with that one: else, whoever is late would
 * strike out what another has just put in again.
 */
export class IndexOfNames {
  readonly #context: Context
  readonly #spot: Spot
  readonly #key: string

  constructor(context: Context, of: 'channels' | 'users') {
    this.#context = context
    this.#spot = context.keys.index(of)
    this.#key = this.#spot.key('names')
  }

  /** Gives the token. */
  async putIn(name: string): Promise<string> {
    const token = `${Date.now()} ${randomId()}`
    await this.#context.servers.send(this.#spot, 'HSET', this.#key, name, token)
    return token
  }

  async strikeOut(name: string, token: string): Promise<void> {
    await this.#context.servers.run(strikeOut, this.#spot, [name, token])
  }

  /** How many there are, at most. */
  async count(): Promise<number> {
    return numberOf(await this.#context.servers.send(this.#spot, 'HLEN', this.#key))
  }

  /** Those names of which `look` finds something, with that. */
  async each<T>(look: (name: string) => Promise<T | undefined>): Promise<(readonly [name: string, found: T])[]> {
    const all = pairsOf(await this.#context.servers.send(this.#spot, 'HGETALL', this.#key))
    const found: (readonly [string, T])[] = []
    for (let i = 0; i < all.length; i += atOnce) {
      const some = all.slice(i, i + atOnce)
      const looked = await Promise.all(some.map(async ([name, token]) => ({ name, token, what: await look(name) })))
      for (const { name, token, what } of looked) {
        if (what !== undefined) found.push([name, what])
        else if (Number.parseInt(token, 10) < Date.now() - ahead) await this.strikeOut(name, token)
      }
    }
    return found
  }
}
