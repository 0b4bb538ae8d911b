import { isObject, type JsonText } from '@hookbox/protocol'
import { expectation, type Owed, type Presence, type Present, type Visitor } from '../broker.ts'
import { unknownChannel } from './channels.ts'
import type { Context } from './context.ts'
import { appendArgs, flag, idArgs, keepArgs } from './entries.ts'
import { unreadable } from './failure.ts'
import { escapeName, unescapeName } from './keys.ts'
import { enterChannel, findMember, leaveChannel, provideToMember, settleLeave } from './lua/channel.ts'
import { decoded, listOf, optionalText, parsed, textsOf } from './replies.ts'
import type { Arg } from './servers.ts'

/** Who is in a channel. */
export function redisPresence(context: Context): Presence {
  const { servers, keys, clock } = context

  async function find(channel: string, args: readonly Arg[]): Promise<Present> {
    const reply = await servers.run(findMember, keys.channel(channel), args)
    if (reply === null) throw unknownChannel(channel)
    const [connections, initialData, owed, closing] = listOf(reply)
    return {
      connections: textsOf(connections).map((one) => one.slice(one.indexOf('\n') + 1)),
      initialData: optionalText(initialData) as JsonText | undefined,
      owed: readOwed(optionalText(owed)),
      closing: closing === 1,
    }
  }

  return {
    async enter(channel, who, what, how) {
      const spot = keys.channel(channel)
      const log = [...context.logArgs(spot), ...idArgs, ...keepArgs(how.keep), ...appendArgs(channel, what, how)]
      const reply = await servers.runSafely(enterChannel, spot, [...log, ...visitorArgs(who), flag(how.anyway)])
      if (reply === null) throw unknownChannel(channel)
      if (reply === 'first' || reply === 'further' || reply === 'closing') return reply
      throw unreadable('what became of entering a channel')
    },

    async leave(channel, who, what, how, owe) {
      const spot = keys.channel(channel)
      const log = [...context.logArgs(spot), ...idArgs, ...keepArgs(how.keep), ...appendArgs(channel, what, how)]
      const owing = [flag(owe !== undefined), owe ? writeOwed(owe) : '']
      const reply = await servers.runSafely(leaveChannel, spot, [...log, ...visitorArgs(who), ...owing])
      const [last, empty] = listOf(reply)
      return { last: last === 1, empty: empty === 1 }
    },

    find: (channel, user) => find(channel, [escapeName(user)]),

    async all(channel) {
      const spot = keys.channel(channel)
      const members = textsOf(await servers.send(spot, 'ZRANGE', spot.key('connections'), 0, -1))
      return members.map((member) => {
        const end = member.indexOf('\n')
        return { user: unescapeName(member.slice(0, end)), connection: member.slice(end + 1) }
      })
    },

    expect: (channel, { user, connection }) => find(channel, [escapeName(user), connection, clock.now() + expectation]),

    async withdraw(channel, { connection }) {
      const spot = keys.channel(channel)
      await servers.send(spot, 'HDEL', spot.key('expected'), connection)
    },

    async provide(channel, user, initialData) {
      const args = [escapeName(user), flag(initialData !== undefined), initialData ?? '']
      const reply = await servers.run(provideToMember, keys.channel(channel), args)
      if (reply !== 1) throw unknownChannel(channel)
    },

    async settle(channel, user, owedId) {
      await servers.run(settleLeave, keys.channel(channel), [escapeName(user), encodeURIComponent(owedId)])
    },
  }
}

function visitorArgs({ user, connection }: Visitor): Arg[] {
  return [escapeName(user), connection]
}

/** `<id> <JSON>`, as the id is looked for. */
function writeOwed({ id, cookies, address }: Owed): string {
  return `${encodeURIComponent(id)} ${JSON.stringify({ cookies, address })}`
}

function readOwed(text: string | undefined): Owed | undefined {
  if (text === undefined) return undefined
  const space = text.indexOf(' ')
  const rest = parsed(text.slice(space + 1))
  if (space < 1 || !isObject(rest)) throw unreadable('a leave')
  return {
    id: decoded(text.slice(0, space)),
    cookies: optionalText(rest.cookies),
    address: optionalText(rest.address),
  }
}
