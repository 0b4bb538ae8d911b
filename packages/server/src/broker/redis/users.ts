import type { Json } from '@hookbox/protocol'
import { toJsonText } from '@hookbox/protocol'
import type { ConnectionRecord, Options, Users } from '../broker.ts'
import { changeArgs, readConnection, readTicket, recordArgs } from './connection-record.ts'
import type { Context } from './context.ts'
import { unavailable } from './failure.ts'
import { IndexOfNames } from './index-of-names.ts'
import type { Spot } from './keys.ts'
import { listenToUser } from './listen-to-user.ts'
import { writeNode } from './lua/node.ts'
import {
  changeUserOptions,
  claimConnection,
  enterUser,
  findUser,
  leaveUser,
  liveConnections,
  takeTicket,
  updateConnection,
} from './lua/user.ts'
import { listOf, optionalText, pairsOf, parsed, textOf, textsOf } from './replies.ts'
import type { Script } from './script.ts'
import type { Arg } from './servers.ts'

/** Connections of a user, or users, that are looked after at a time. */
const atOnce = 500

/** Users with their connections on all nodes. */
export function redisUsers(context: Context, self: () => string): Users {
  const { servers, keys, clock } = context
  const index = new IndexOfNames(context, 'users')

  /** What a script works on, of which one key is that of a connection. */
  function keysWith(script: Script, spot: Spot, id: string): string[] {
    return script.parts.map((part) => spot.key(part === 'connection' ? `connection:${id}` : part))
  }

  /** In the index of what is a node's. It is there before the connection is the node's, and goes after. */
  async function own(node: string, id: string, user: string | undefined): Promise<boolean> {
    const args = ['connections', id, user === undefined ? 0 : 1, user ?? '']
    return (await servers.run(writeNode, keys.node(node), args)) === 1
  }

  function setPointer(spot: Spot, value: string): Promise<unknown> {
    return servers.send(spot, 'SET', spot.key('to'), value)
  }

  /** A pointer that leads nowhere does no harm, as whoever follows it looks what is there. */
  function dropPointer(spot: Spot): void {
    servers.send(spot, 'DEL', spot.key('to')).catch(() => {})
  }

  async function follow(spot: Spot): Promise<string | undefined> {
    return optionalText(await servers.send(spot, 'GET', spot.key('to')))
  }

  async function readOne(user: string, id: string): Promise<ConnectionRecord | undefined> {
    const spot = keys.user(user)
    const fields = listOf(await servers.send(spot, 'HGETALL', spot.key(`connection:${id}`)))
    return fields.length === 0 ? undefined : readConnection(user, id, fields)
  }

  const users: Users = {
    async enter(connection, { byDefault, changes }) {
      const { id, user } = connection
      const node = self()
      const spot = keys.user(user)
      const [token, isOwn] = await Promise.all([
        index.putIn(user),
        own(node, id, user),
        setPointer(keys.connection(id), user),
      ])
      if (!isOwn) throw unavailable('the other nodes have taken this one for dead')
      const reply = await servers.runSafely(
        enterUser,
        spot,
        [
          ...context.logArgs(spot),
          id,
          token,
          ...optionArgs(byDefault),
          ...optionArgs(changes),
          ...recordArgs({ ...connection, node }),
        ],
        keysWith(enterUser, spot, id),
      )
      const [first, options, oldTicket] = listOf(reply)
      dropTicket(oldTicket)
      // Whoever inherited from this node meanwhile may have looked before it was there.
      if (self() !== node) {
        await leaveAs(node, user, id)
        throw unavailable('the other nodes have taken this one for dead')
      }
      return { options: readOptions(options), first: first === 1 }
    },

    async update(user, connectionId, change) {
      const spot = keys.user(user)
      const { ticket } = change
      const pointer = ticket ? keys.ticket(ticket.text) : undefined
      if (pointer) await setPointer(pointer, JSON.stringify([user, connectionId]))
      const script = updateConnection
      const args = [self(), ...changeArgs(change)]
      const oldTicket = await servers.run(script, spot, args, keysWith(script, spot, connectionId))
      if (oldTicket === null) {
        if (pointer) dropPointer(pointer)
        return false
      }
      if (ticket !== undefined) dropTicket(oldTicket, ticket?.text)
      return true
    },

    leave: (user, connectionId) => leaveAs(self(), user, connectionId),

    async changeOptions(user, changes) {
      const spot = keys.user(user)
      const reply = await servers.run(changeUserOptions, spot, [spot.topic, ...optionArgs(changes)])
      return reply === null ? undefined : readOptions(reply)
    },

    async find(user) {
      const reply = await servers.run(findUser, keys.user(user), [])
      if (reply === null) return undefined
      const [options, connections] = listOf(reply)
      return {
        name: user,
        options: readOptions(options),
        connections: listOf(connections).map((one) => {
          const [id, fields] = listOf(one)
          return readConnection(user, textOf(id), fields)
        }),
      }
    },

    async locate(connectionId) {
      const user = await follow(keys.connection(connectionId))
      return user === undefined ? undefined : readOne(user, connectionId)
    },

    async takeTicket(text) {
      const pointer = keys.ticket(text)
      const to = await follow(pointer)
      if (to === undefined) return undefined
      const [user, id] = textsOf(parsed(to))
      if (user === undefined || id === undefined) return undefined
      const spot = keys.user(user)
      const reply = await servers.run(takeTicket, spot, [text], keysWith(takeTicket, spot, id))
      dropPointer(pointer)
      return reply === null ? undefined : readConnection(user, id, reply)
    },

    async claim(user, connectionId) {
      const node = self()
      const spot = keys.user(user)
      if (!(await own(node, connectionId, user))) throw unavailable('the other nodes have taken this one for dead')
      const args = [connectionId, node]
      const reply = listOf(
        await servers.run(claimConnection, spot, args, keysWith(claimConnection, spot, connectionId)),
      )
      const [before, fields] = reply
      if (before === node) return undefined
      if (before === '') {
        await own(node, connectionId, undefined)
        return undefined
      }
      own(textOf(before), connectionId, undefined).catch(() => {
        // Whoever inherits from that node finds that it is not its own.
      })
      return { ...readConnection(user, connectionId, fields), node }
    },

    listen: (user, ear) => listenToUser(context, user, ear),

    async areHere(names) {
      const here: boolean[] = []
      for (let i = 0; i < names.length; i += atOnce) {
        const some = names.slice(i, i + atOnce).map(async (name) => {
          const spot = keys.user(name)
          return (await servers.send(spot, 'EXISTS', spot.key('connections'))) === 1
        })
        here.push(...(await Promise.all(some)))
      }
      return here
    },

    async all() {
      const found = await index.each(async (name) => {
        const live = await servers.run(liveConnections, keys.user(name), [])
        return live === null ? undefined : textsOf(live)
      })
      return new Map(found)
    },

    count: () => index.count(),
  }
  return users

  async function leaveAs(node: string, user: string, id: string): Promise<'last' | 'further' | 'elsewhere'> {
    const spot = keys.user(user)
    const args = [node, id, spot.topic, clock.now()]
    const reply = await servers.runSafely(leaveUser, spot, args, keysWith(leaveUser, spot, id))
    if (reply === null) return 'elsewhere'
    const [last, ticket, token] = listOf(reply)
    dropTicket(ticket)
    dropPointer(keys.connection(id))
    // What it left behind in indexes is too much, and does no harm.
    const rest = [own(node, id, undefined), last === 1 ? index.strikeOut(user, textOf(token)) : undefined]
    await Promise.allSettled(rest)
    return last === 1 ? 'last' : 'further'
  }

  function dropTicket(record: unknown, unless?: string): void {
    const ticket = typeof record === 'string' && record !== '' ? readTicket(record) : undefined
    if (ticket && ticket.text !== unless) dropPointer(keys.ticket(ticket.text))
  }
}

function optionArgs(options: Options): Arg[] {
  const all = Object.entries(options)
  return [all.length, ...all.flatMap(([name, value]) => [name, toJsonText(value)])]
}

/** From names and JSON in turn. */
export function readOptions(reply: unknown): Options {
  return Object.fromEntries(pairsOf(reply).map(([name, value]) => [name, parsed(value) as Json]))
}
