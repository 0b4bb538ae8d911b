import type { Json } from '@hookbox/protocol'
import { randomId } from '../../ids.ts'
import type { Estate, NodeEvents, Nodes, Stop } from '../broker.ts'
import type { Context } from './context.ts'
import { unavailable } from './failure.ts'
import { aliveNodes, beatNode, buryNode, endNode, openEstate, startNode, writeNode } from './lua/node.ts'
import type { RedisMailbox } from './mailbox.ts'
import { listOf, pairsOf, parsed, textsOf } from './replies.ts'

/** Milliseconds for which a node that has not started may write. */
const unstarted = 86_400_000

export interface NodesParts {
  readonly context: Context
  readonly mailbox: RedisMailbox
  /** Milliseconds until Redis must have been reached for the first time. */
  readonly patience: number
  /** Nothing is this node's own any more. */
  readonly onExpelled: () => void
}

/**
 * Which nodes there are. Each gives a sign of life now and then; whoever finds that another has been silent for too long takes
 * over what it left, and is itself replaced where it dies before that is done.
 */
export class RedisNodes implements Nodes {
  readonly #parts: NodesParts
  readonly #context: Context
  readonly #inheriting = new Map<string, Promise<void>>()
  #id = randomId()
  #stopListening: Stop = () => {}
  #events: NodeEvents | undefined
  #timer: NodeJS.Timeout | undefined
  #begun: Promise<void> | undefined
  #beating: Promise<void> | undefined
  #owesRestore = false
  /** Expelled, and not begun anew yet: by what name it was known before. */
  #expelled: string | undefined
  /** By what it is known again whether this node was the first, where the answer did not arrive. */
  #attempt = randomId()
  #closed = false

  constructor(parts: NodesParts) {
    this.#parts = parts
    this.#context = parts.context
    parts.mailbox.read('B', () => void this.#beatNow())
  }

  get id(): string {
    return this.#id
  }

  /** As soon as Redis can be reached, this node can be spoken to, and may write as itself. */
  begin(): Promise<void> {
    this.#begun ??= this.#begin().catch((error: unknown) => {
      this.#begun = undefined
      throw error
    })
    return this.#begun
  }

  async #begin(): Promise<void> {
    await this.#context.servers.ready(this.#parts.patience)
    await this.#appear()
  }

  async #appear(): Promise<void> {
    const node = this.#context.keys.node(this.#id)
    const [stop] = await Promise.all([
      this.#parts.mailbox.open(this.#id),
      this.#context.servers.send(node, 'SET', node.key('alive'), 1, 'PX', unstarted),
    ])
    this.#stopListening()
    this.#stopListening = stop
  }

  async all(): Promise<string[]> {
    const { servers, keys, settings } = this.#context
    return textsOf(await servers.run(aliveNodes, keys.nodes(), [settings.deadAfter]))
  }

  async start(events: NodeEvents): Promise<{ readonly fresh: boolean }> {
    await this.begin()
    const fresh = await this.#register()
    if (this.#closed) throw unavailable('the hub has stopped')
    this.#events = events
    await this.#beatNow()
    // Whoever starts anew has taken over what was left before it serves.
    await Promise.all(this.#inheriting.values())
    this.#beatLater()
    return { fresh }
  }

  async note(key: string, what: Json | null): Promise<void> {
    const { servers, keys } = this.#context
    const args = ['notes', key, what === null ? 0 : 1, what === null ? '' : JSON.stringify(what)]
    if ((await servers.run(writeNode, keys.node(this.#id), args)) !== 1) {
      throw unavailable('the other nodes have taken this one for dead')
    }
  }

  /** What was written last may be lost, or half done. */
  uncertain(): void {
    this.#owesRestore = true
    void this.#beatNow()
  }

  /** This node leaves. */
  async close(): Promise<void> {
    this.#vanish()
    if (!this.#events) return
    const { servers, keys } = this.#context
    const others = textsOf(await servers.run(endNode, keys.nodes(), [this.#id]))
    // One of them is enough, and would find out by itself.
    await Promise.allSettled(others.map((other) => this.#parts.mailbox.post(other, 'B')))
  }

  /** Does nothing more, as if its process had ended. */
  crash(): void {
    this.#vanish()
  }

  #vanish(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#stopListening()
  }

  async #register(): Promise<boolean> {
    const { servers, keys } = this.#context
    const node = keys.node(this.#id)
    await servers.send(node, 'SET', node.key('alive'), 1)
    return (await servers.run(startNode, keys.nodes(), [this.#id, this.#attempt])) === 1
  }

  #beatLater(): void {
    clearTimeout(this.#timer)
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      void this.#beatNow().then(() => this.#beatLater())
    }, this.#context.settings.heartbeat)
  }

  /** Gives a sign of life; never fails. */
  #beatNow(): Promise<void> {
    this.#beating ??= this.#beat()
      .catch((err: unknown) => {
        if (!this.#closed) this.#context.log.debug({ err }, 'could not give a sign of life')
      })
      .finally(() => {
        this.#beating = undefined
      })
    return this.#beating
  }

  async #beat(): Promise<void> {
    if (!this.#events || this.#closed) return
    if (this.#expelled !== undefined) {
      await this.#beginAnew(this.#expelled)
      return
    }
    const { servers, keys, settings } = this.#context
    const node = keys.node(this.#id)
    const [reply, isAlive] = await Promise.all([
      servers.run(beatNode, keys.nodes(), [this.#id, settings.deadAfter]),
      servers.send(node, 'EXISTS', node.key('alive')),
    ])
    if (this.#closed) return
    if (reply === null || isAlive !== 1) {
      this.#context.log.warn({ node: this.#id }, 'the other nodes took this one for dead, or Redis lost its data')
      this.#expelled = this.#id
      this.#owesRestore = false
      this.#attempt = randomId()
      this.#parts.onExpelled()
      await this.#beginAnew(this.#expelled)
      return
    }
    if (this.#owesRestore) {
      this.#owesRestore = false
      this.#events.restore()
    }
    for (const dead of textsOf(reply)) this.#inherit(dead)
  }

  /** Where this fails, the next sign of life tries again, by yet another name. */
  async #beginAnew(before: string): Promise<void> {
    const { servers, keys } = this.#context
    this.#id = randomId()
    await this.#appear()
    const fresh = await this.#register()
    this.#expelled = undefined
    this.#events?.expelled(fresh)
    // Where only its own part was lost, the others still know it by its old name.
    await servers.run(endNode, keys.nodes(), [before])
  }

  #inherit(dead: string): void {
    if (this.#inheriting.has(dead)) return
    const taking = this.#takeOver(dead)
      .catch((err: unknown) => {
        // It is this node's still, and comes again with the next sign of life.
        if (!this.#closed) this.#context.log.error({ err, node: dead }, 'could not take over from a node')
      })
      .finally(() => this.#inheriting.delete(dead))
    this.#inheriting.set(dead, taking)
  }

  async #takeOver(dead: string): Promise<void> {
    const { servers, keys } = this.#context
    const heir = this.#id
    const node = keys.node(dead)
    const [connections, notes] = listOf(await servers.run(openEstate, node, []))
    const estate: Estate = {
      node: dead,
      connections: pairsOf(connections).map(([id, user]) => ({ user, id })),
      notes: new Map(pairsOf(notes).map(([key, what]) => [key, parsed(what) as Json])),
    }
    await this.#events?.inherit(estate)
    if (this.#closed || (await servers.run(buryNode, keys.nodes(), [dead, heir])) !== 1) return
    await servers.send(node, 'UNLINK', node.key('connections'), node.key('notes'))
  }
}
