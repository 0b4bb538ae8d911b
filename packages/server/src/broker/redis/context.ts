import type { Position } from '@hookbox/protocol'
import type { Clock } from '../../clock.ts'
import { Gate } from '../../gate.ts'
import { randomId } from '../../ids.ts'
import type { Stop } from '../broker.ts'
import { unavailable } from './failure.ts'
import type { Keys, Spot } from './keys.ts'
import type { Arg, Servers } from './servers.ts'
import type { Log, Settings } from './settings.ts'

/** How many topics are read at a time, where all of them must be. */
const readings = 64

/** What every part of a node's broker has to do with. */
export class Context {
  readonly servers: Servers
  readonly keys: Keys
  readonly clock: Clock
  readonly log: Log
  readonly settings: Settings
  readonly gate: Gate = new Gate(readings)
  /** By topic: what this node has heard of there. */
  readonly #heard = new Map<string, Set<() => Position>>()
  readonly #stops = new Set<Stop>()
  #closed = false

  constructor(parts: Pick<Context, 'servers' | 'keys' | 'clock' | 'log' | 'settings'>) {
    this.servers = parts.servers
    this.keys = parts.keys
    this.clock = parts.clock
    this.log = parts.log
    this.settings = parts.settings
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** The arguments that every script with a log takes first. */
  logArgs({ topic }: Spot): Arg[] {
    const [heard] = this.#heard.get(topic) ?? []
    const { epoch, offset } = heard?.() ?? nowhere
    return [topic, this.clock.now(), randomId(), epoch, offset]
  }

  /** This node hears of a log. */
  hears({ topic }: Spot, position: () => Position): Stop {
    const all = this.#heard.get(topic) ?? new Set()
    all.add(position)
    this.#heard.set(topic, all)
    return () => {
      all.delete(position)
      if (all.size === 0 && this.#heard.get(topic) === all) this.#heard.delete(topic)
    }
  }

  /** Stopped with the node, where not before. */
  untilClosed(stop: Stop): Stop {
    const once = () => {
      if (this.#stops.delete(once)) stop()
    }
    if (this.#closed) stop()
    else this.#stops.add(once)
    return once
  }

  /** All that is asked of it fails once this node is closed. */
  whileOpen<T extends object>(facet: T): T {
    const guarded = Object.entries(facet).map(([name, method]) => [
      name,
      async (...args: unknown[]) => {
        if (this.#closed) throw unavailable('the hub has stopped')
        return (method as (...args: unknown[]) => unknown)(...args)
      },
    ])
    return Object.fromEntries(guarded) as T
  }

  close(): void {
    this.#closed = true
    for (const stop of [...this.#stops]) stop()
  }
}

/** The position in a log that is not there: no other one ever has it. */
export const nowhere: Position = { epoch: 'none', offset: 0 }
