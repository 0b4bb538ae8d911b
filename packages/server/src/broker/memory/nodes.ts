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
  /** Somebody takes over what it left behind. */
  inherited: boolean
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
    const state = { events: undefined, answer: undefined, gone: false, inherited: false }
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
        await Promise.all([...this.#nodes.keys()].map((one) => this.#bury(one)))
        return { fresh }
      },
      note: async (key, what) => {
        const notes = this.#nodes.get(id)?.notes
        if (what === null) notes?.delete(key)
        else notes?.set(key, what)
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
    await this.#bury(id)
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

  async #bury(id: string): Promise<void> {
    const dead = this.#nodes.get(id)
    const heir = [...this.#nodes.values()].find(({ events }) => events)?.events
    if (!dead?.gone || dead.inherited || !heir) return
    dead.inherited = true
    await heir.inherit({ node: id, connections: this.#connectionsOf(id), notes: dead.notes })
    this.#nodes.delete(id)
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
