import ipaddr from 'ipaddr.js'
import type { Clock } from '../clock.ts'

/** Tries that one address has in {@link window}. */
export const triesPerAddress = 5

/** Milliseconds for which a try counts. */
export const window = 900_000

/** Wrong tries of all addresses together in {@link window}; from here on each makes the next one wait twice as long. */
export const freeTries = 20

/** Milliseconds that the first of those waits, and the longest that any waits: it must not keep the operator out for long. */
const firstPause = 1_000
export const longestPause = 30_000

/** Addresses that are remembered; beyond it the one that came first is forgotten. */
const maxAddresses = 10_000

/** How often a password may be tried: by one address, and by all together. */
export class Tries {
  readonly #clock: Pick<Clock, 'now'>
  /** When an address tried, by address. */
  readonly #byAddress = new Map<string, number[]>()
  /** Addresses from where somebody knew the password: other people's tries do not make them wait. */
  readonly #known = new Set<string>()
  #all: number[] = []

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /**
   * Milliseconds until this address may try; 0 where it may now. Then the try counts as a wrong one until it is told to be
   * another, so that many at once are no way around.
   */
  begin(address: string): number {
    const key = keyOf(address)
    const own = this.#recent(this.#byAddress.get(key) ?? [])
    this.#all = this.#recent(this.#all)
    const now = this.#clock.now()
    const [first = now] = own
    if (own.length >= triesPerAddress) return first + window - now
    const pause = this.#known.has(key) ? 0 : this.#pause()
    if (pause > 0) return pause
    this.#byAddress.delete(key)
    this.#byAddress.set(key, [...own, now])
    this.#all.push(now)
    if (this.#all.length > maxAddresses) this.#all.shift()
    forgetOldest(this.#byAddress)
    return 0
  }

  /** Somebody at this address knew the password. */
  succeeded(address: string): void {
    const key = keyOf(address)
    const own = this.#byAddress.get(key) ?? []
    this.#all = this.#all.filter((at) => !own.includes(at))
    this.#byAddress.delete(key)
    this.#known.add(key)
    forgetOldest(this.#known)
  }

  #pause(): number {
    const over = this.#all.length - freeTries
    const last = this.#all.at(-1)
    if (over < 0 || last === undefined) return 0
    return Math.max(0, last + Math.min(longestPause, firstPause * 2 ** over) - this.#clock.now())
  }

  #recent(times: readonly number[]): number[] {
    const since = this.#clock.now() - window
    return times.filter((at) => at > since)
  }
}

/** Whoever has an IPv6 address has its whole /64. */
function keyOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString()
}

function forgetOldest(all: Map<string, unknown> | Set<string>): void {
  if (all.size <= maxAddresses) return
  for (const oldest of all.keys()) {
    all.delete(oldest)
    return
  }
}
