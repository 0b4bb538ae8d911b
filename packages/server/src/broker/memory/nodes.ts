import { HookboxError, type Json } from '@hookbox/protocol'
import type { Bus, Estate, NodeEvents, Nodes } from '../broker.ts'

/** A node as it is put away for the next start of the hub: one that is gone. */
export interface SavedNode {
  readonly id: string
  readonly notes: readonly (readonly [key: string, what: Json])[]
}

interface Node {
  readonly notes: Map<string, Json>
  /** Undefined before it has started, and when it is gone. */
  events: NodeEvents | undefined
  answer: ((question: Json) => Promise<Json>) | undefined
  gone: boolean
  /** Who takes over what it left behind. */
  heir: string | undefined
  /** Ends what waits for its answers. */
  readonly onGone: Set<() => void>
}

/** Which nodes there are, what they noted, and what passes between them. */
export class NodeTable {
  readonly #nodes = new Map<string, Node>()
  readonly #connectionsOf: (node: string) => Estate['connections']
  /** Some node was there before. */
  #begun = false

  constructor(connectionsOf: (node: string) => Estate['connections']) {
    this.#connectionsOf = connectionsOf
  }

  join(id: string): void {
    const state = { events: undefined, answer: undefined, gone: false, heir: undefined }
    this.#nodes.set(id, { notes: new Map(), onGone: new Set(), ...state })
  }

  /** The nodes as one of them sees them. */
  of(id: string): Nodes {
    return {
      id,
      all: async () => [...this.#nodes].filter(([, { events }]) => events).map(([name]) => name),
      start: async (events) => {
        const fresh = !this.#begun
        this.#begun = true
        const node = this.#nodes.get(id)
        if (node) node.events = events
        await this.#buryAll()
        return { fresh }
      },
      note: async (key, what) => {
        const node = this.#nodes.get(id)
        if (!node || node.gone) throw unreachable(id)
        if (what === null) node.notes.delete(key)
        else node.notes.set(key, what)
      },
    }
  }

  busOf(id: string): Bus {
    return {
      ask: (node, question) => this.#ask(node, question),
      answer: (answer) => {
        const node = this.#nodes.get(id)
        if (node) node.answer = answer
      },
    }
  }

  /** A node is gone: somebody inherits from it, as soon as there is somebody. */
  async leave(id: string): Promise<void> {
    const node = this.#nodes.get(id)
    if (!node) return
    node.gone = true
    node.events = undefined
    node.answer = undefined
    for (const end of node.onGone) end()
    // What it was taking over is left behind once more.
    for (const dead of this.#nodes.values()) if (dead.heir === id) dead.heir = undefined
    await this.#buryAll()
  }

  *save(): Generator<SavedNode> {
    for (const [id, { notes }] of this.#nodes) yield { id, notes: [...notes] }
  }

  restore({ id, notes }: SavedNode): void {
    this.#begun = true
    this.join(id)
    const node = this.#nodes.get(id)
    if (node) node.gone = true
    for (const [key, what] of notes) node?.notes.set(key, what)
  }

  async #buryAll(): Promise<void> {
    await Promise.all([...this.#nodes.keys()].map((one) => this.#bury(one)))
  }

  async #bury(id: string): Promise<void> {
    const dead = this.#nodes.get(id)
    const [heir, node] = [...this.#nodes].find(([, { events }]) => events) ?? []
    if (!dead?.gone || dead.heir !== undefined || !node?.events) return
    dead.heir = heir
    const taken = node.events.inherit({ node: id, connections: this.#connectionsOf(id), notes: dead.notes })
    // An heir that dies never gets done.
    let died: () => void = () => {}
    await Promise.race([
      taken,
      new Promise<void>((resolve) => {
        died = resolve
        node.onGone.add(died)
      }),
    ]).finally(() => node.onGone.delete(died))
    if (dead.heir === heir) this.#nodes.delete(id)
  }

  async #ask(id: string, question: Json): Promise<Json> {
    const node = this.#nodes.get(id)
    if (!node?.answer) throw unreachable(id)
    const { answer, onGone } = node
    return new Promise((resolve, reject) => {
      const end = () => reject(unreachable(id))
      onGone.add(end)
      answer(copyOf(question))
        .then((given) => resolve(copyOf(given)), reject)
        .finally(() => onGone.delete(end))
    })
  }
}

/** As over a wire: who asks and who answers share nothing. */
function copyOf(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}

function unreachable(id: string): HookboxError {
  return new HookboxError('unavailable', `node ${JSON.stringify(id)} cannot be reached`)
}
