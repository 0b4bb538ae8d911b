import { unavailable } from './failure.ts'
import type { Link } from './link.ts'
import { keysOf, type Servers } from './servers.ts'
import { Topics } from './topics.ts'

/** One server, or several that know nothing of each other: what has the same tag is on the same one. */
export class Shards implements Servers {
  readonly topics: Topics
  readonly #links: readonly Link[]

  /** Each makes the line to one of them. */
  constructor(links: readonly ((shards: Shards) => Link)[]) {
    const homeOf = (tag: string) => shardOf(this.#links, tag)
    this.topics = new Topics(homeOf, async ({ tag, topic }) => homeOf(tag).subscribe(topic))
    this.#links = links.map((link) => link(this))
  }

  run: Servers['run'] = async (script, spot, args, keys = keysOf(script, spot)) =>
    shardOf(this.#links, spot.tag).run(script, keys, args)

  runSafely: Servers['runSafely'] = async (script, spot, args, keys = keysOf(script, spot)) =>
    shardOf(this.#links, spot.tag).runSafely(script, keys, args)

  send: Servers['send'] = async (spot, command, ...args) => shardOf(this.#links, spot.tag).send(command, ...args)

  async ready(patience: number): Promise<void> {
    await Promise.all(this.#links.map((link) => link.ready(patience)))
  }

  get trouble(): string | undefined {
    return this.#links.find(({ trouble }) => trouble !== undefined)?.trouble
  }

  close(): void {
    this.topics.close()
    for (const link of this.#links) link.close()
  }
}

/**
 * The one that has what is tagged so. Every shard draws a number for the tag, and the highest wins: with one shard more, only
 * what falls to it moves. They are told apart by their place in the list, which must be the same at all nodes.
 */
export function shardOf<T>(shards: readonly T[], tag: string): T {
  let winner = shards[0]
  let best = -1
  if (shards.length > 1) {
    for (const [place, shard] of shards.entries()) {
      const drawn = draw(tag, place)
      if (drawn > best) {
        best = drawn
        winner = shard
      }
    }
  }
  if (winner === undefined) throw unavailable('there is no Redis')
  return winner
}

/** FNV-1a, stirred at the end, as neighbouring places would draw neighbouring numbers. */
function draw(tag: string, place: number): number {
  let hash = 0x811c9dc5 ^ place
  for (let i = 0; i < tag.length; i++) hash = Math.imul(hash ^ tag.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
