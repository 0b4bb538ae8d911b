import { createHash } from 'node:crypto'

/**
 * A place for all that must change in one step: its keys lie in one slot of a cluster, and on one server, as all hold the
 * same tag.
 */
export interface Spot {
  readonly tag: string
  /** Where it is told what happens here. */
  readonly topic: string
  key(part: string): string
}

/** Every name that this hub gives to anything in Redis. */
export class Keys {
  readonly #prefix: string
  readonly #database: string

  /**
   * @param database which one of a server's, as topics are the same in all of them
   * @throws Error where the prefix has a brace, by which it could be taken for the tag
   */
  constructor(prefix: string, database: string) {
    if (/[{}]/.test(prefix)) throw new Error(`Redis prefix: expected no braces, got ${JSON.stringify(prefix)}`)
    this.#prefix = prefix
    this.#database = database
  }

  channel(name: string): Spot {
    return this.#spot(`c:${escapeName(name)}`)
  }

  user(name: string): Spot {
    return this.#spot(`u:${escapeName(name)}`)
  }

  node(id: string): Spot {
    return this.#spot(`n:${escapeName(id)}`)
  }

  /** Whose connection it is, by the connection's id. */
  connection(id: string): Spot {
    return this.#spot(`i:${escapeName(id)}`)
  }

  /** Whose ticket it is. The text itself, which is a secret, is no key: those are shown around. */
  ticket(text: string): Spot {
    return this.#spot(`t:${createHash('sha256').update(text).digest('base64url')}`)
  }

  /** The names of all channels, or users. */
  index(of: 'channels' | 'users'): Spot {
    return this.#spot(of)
  }

  /** Which nodes there are. */
  nodes(): Spot {
    return this.#spot('nodes')
  }

  /** A topic of its own for each node, by which it hears whether it hears; `salt` moves it from slot to slot. */
  probe(node: string, salt: number): Spot {
    return this.#spot(`p:${escapeName(node)}:${salt}`)
  }

  #spot(inside: string): Spot {
    const tag = `{${inside}}`
    const start = `${this.#prefix}${tag}:`
    return { tag, topic: `${this.#prefix}${this.#database}:${tag}`, key: (part) => start + part }
  }
}

/** A tag ends with the first brace; a line break parts what stands together. Nobody's name holds either, so no two meet. */
export function escapeName(name: string): string {
  return name.replace(/[%{}\n]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

export function unescapeName(escaped: string): string {
  return escaped.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
