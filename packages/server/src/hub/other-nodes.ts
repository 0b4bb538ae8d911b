import { HookboxError, type Json, type JsonText, type UnsubscribedReason } from '@hookbox/protocol'
import type { Broker } from '../broker/broker.ts'

/** A connection, as nodes speak of it. */
export type ConnectionName = { user: string; id: string }

/** What one node may have another one do; each acts on what is that node's own. */
export interface NodeVerbs {
  /** Lets a user into a channel that exists, through all connections that it has there. */
  give(args: { channel: string; user: string; initialData?: JsonText }): Promise<null>
  /** Takes a user out of a channel, through all connections that it has there. */
  remove(args: { channel: string; user: string; reason: UnsubscribedReason }): Promise<null>
  /** Lets those connections of a user who shares its subscriptions in that lack one. */
  share(args: { user: string }): Promise<null>
  /** Puts out all connections that a user has there. */
  putOutUser(args: { user: string }): Promise<null>
  /** Puts out one connection. */
  putOut(args: { connection: string }): Promise<null>
  /** Lets go of a connection that was claimed; tells what it was about to be given. */
  release(args: { connection: string }): Promise<string[]>
  /** Looks at connections that are noted as that node's, and ends those that it knows nothing of. */
  disown(args: { connections: ConnectionName[] }): Promise<null>
  /** Takes a POST of a page whose stream is there. */
  post(args: { head: Json; message: string }): Promise<null>
  /** What a page whose stream is there is to read next; empty where there is nothing for a moment. */
  read(args: { session: string; ack: number }): Promise<string>
  /** Changes the configuration. */
  configure(args: { changes: { [key: string]: Json } }): Promise<null>
  /** What is counted there. */
  figures(args: Record<string, never>): Promise<Json>
  /** The last webhook calls there, after this number. */
  webhookCalls(args: { after: number }): Promise<Json>
  /** The last lines of the log there, after this number. */
  logLines(args: { after: number }): Promise<Json>
  /** How the lines of connections are. */
  lines(args: { connections: string[] }): Promise<Json>
  /** Whether an operator's session goes on that began there. */
  operator(args: { session: string; does: 'ask' | 'act' | 'end' }): Promise<boolean>
  /** Milliseconds until an address may try the password of the console; 0: now, and it is counted. */
  tryPassword(args: { address: string }): Promise<number>
  /** Somebody at the address knew it. */
  knewPassword(args: { address: string }): Promise<null>
  /** All changes of the configuration so far. */
  configuration(args: Record<string, never>): Promise<{ [key: string]: Json }>
}

/** The other nodes, and this one among them: whoever wants something of all of a user's connections need not know where they are. */
export class OtherNodes {
  readonly #broker: Pick<Broker, 'bus' | 'nodes'>

  constructor(broker: Pick<Broker, 'bus' | 'nodes'>, verbs: NodeVerbs) {
    this.#broker = broker
    broker.bus.answer((question) => answer(verbs, question))
  }

  /** This node's name. */
  get self(): string {
    return this.#broker.nodes.id
  }

  /** The names of all nodes, this one among them. */
  names(): Promise<string[]> {
    return this.#broker.nodes.all()
  }

  /** @throws HookboxError as the verb does there; `unavailable` */
  async ask<V extends keyof NodeVerbs>(
    node: string,
    verb: V,
    args: Parameters<NodeVerbs[V]>[0],
  ): Promise<Awaited<ReturnType<NodeVerbs[V]>>> {
    return (await this.#broker.bus.ask(node, [verb, args as Json])) as Awaited<ReturnType<NodeVerbs[V]>>
  }

  /** Each node once. All are asked, whatever one of them says. @throws what the first of them threw */
  async askAll<V extends keyof NodeVerbs>(
    nodes: Iterable<string>,
    verb: V,
    args: Parameters<NodeVerbs[V]>[0],
  ): Promise<void> {
    const outcomes = await Promise.allSettled([...new Set(nodes)].map((node) => this.ask(node, verb, args)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }
}

async function answer(verbs: NodeVerbs, question: Json): Promise<Json> {
  const [verb, args] = Array.isArray(question) ? question : []
  if (typeof verb !== 'string' || !Object.hasOwn(verbs, verb)) {
    throw new HookboxError('unavailable', 'another version of the hub runs on this node')
  }
  return (verbs[verb as keyof NodeVerbs] as (args: Json | undefined) => Promise<Json>)(args)
}
