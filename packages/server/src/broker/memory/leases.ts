import type { Holding, Lease, LeaseKey, Leases } from '../broker.ts'

interface Waiting {
  readonly node: string
  readonly holding: Holding
  readonly given: (lease: Lease) => void
}

interface Held {
  readonly node: string
  readonly holding: Holding
  /** Longest first. */
  readonly waiting: Waiting[]
  readonly onFreed: (() => void)[]
}

/** Which leases are held, by which nodes. */
export class LeaseTable {
  readonly #held = new Map<string, Held>()

  isHeld(key: LeaseKey): boolean {
    return this.#held.has(textOf(key))
  }

  /** The leases as one node sees them. */
  of(node: () => string): Leases {
    return {
      take: async (key, holding = {}) => {
        const text = textOf(key)
        return this.#held.has(text) ? undefined : this.#give(text, newly(node(), holding))
      },
      wait: async (key, holding = {}) => {
        const text = textOf(key)
        const held = this.#held.get(text)
        if (!held) return this.#give(text, newly(node(), holding))
        return new Promise<Lease>((given) => {
          held.waiting.push({ node: node(), holding, given })
          held.holding.wanted?.()
        })
      },
      freed: async (key) => {
        const held = this.#held.get(textOf(key))
        if (!held) return
        held.holding.wanted?.()
        await new Promise<void>((freed) => held.onFreed.push(freed))
      },
    }
  }

  /** A node is gone, and with it what it held and waited for. */
  free(node: string): void {
    for (const [text, held] of this.#held) {
      const waiting = held.waiting.filter((one) => one.node !== node)
      held.waiting.splice(0, held.waiting.length, ...waiting)
      if (held.node === node) this.#release(text, held)
    }
  }

  #give(text: string, held: Held): Lease {
    this.#held.set(text, held)
    if (held.waiting.length > 0) held.holding.wanted?.()
    return { release: async () => this.#release(text, held) }
  }

  #release(text: string, held: Held): void {
    if (this.#held.get(text) !== held) return
    this.#held.delete(text)
    for (const freed of held.onFreed) freed()
    const [next, ...waiting] = held.waiting
    next?.given(this.#give(text, { ...newly(next.node, next.holding), waiting }))
  }
}

function newly(node: string, holding: Holding): Held {
  return { node, holding, waiting: [], onFreed: [] }
}

/** No two keys have the same. */
function textOf(key: LeaseKey): string {
  return JSON.stringify(Object.values(key))
}
