import { HookboxError } from '@hookbox/protocol'
import { randomId } from '../../ids.ts'
import type { Channels } from '../broker.ts'
import type { Context } from './context.ts'
import { appendArgs, flag, idArgs, keepArgs, seedArgs, stateArgs } from './entries.ts'
import { IndexOfNames } from './index-of-names.ts'
import type { Spot } from './keys.ts'
import { changeChannel, createChannel, keepChannel, lookChannel, removeChannel } from './lua/channel.ts'
import { openChannel, recordOf } from './open-channel.ts'
import { listOf, numberOf, textOf } from './replies.ts'

/** Channels that are looked after at a time. */
const atOnce = 500

export function unknownChannel(channel: string): HookboxError {
  return new HookboxError('unknown_channel', `channel ${JSON.stringify(channel)} does not exist`)
}

/** Which channels there are. */
export function redisChannels(context: Context): Channels {
  const { servers, keys } = context
  const index = new IndexOfNames(context, 'channels')
  const nothing = { name: 'STATE_UPDATE', inside: '', at: 0 } as const

  return {
    async create(name, options, seed) {
      const spot = keys.channel(name)
      const token = await index.putIn(name)
      const args = [...context.logArgs(spot), ...idArgs, ...keepArgs(seed.keep), randomId(), token, options]
      const content = [...seedArgs(seed.history), ...stateArgs({ updates: seed.state, deletes: [] })]
      return numberOf(await servers.runSafely(createChannel, spot, [...args, ...content])) === 1
    },

    open: (name, ear) => openChannel(context, name, ear),

    async load(name) {
      const spot = keys.channel(name)
      const [options, revision] = listOf(await servers.send(spot, 'HMGET', spot.key('meta'), 'options', 'revision'))
      return options === null ? undefined : recordOf(options, revision)
    },

    async change(name, revision, { options, history, keep, state }) {
      const spot = keys.channel(name)
      const how = { told: true, kept: false }
      const reply = await servers.runSafely(changeChannel, spot, [
        ...context.logArgs(spot),
        ...idArgs,
        ...keepArgs(keep),
        ...appendArgs(name, state?.what ?? nothing, how),
        revision,
        ...[flag(options !== undefined), options ?? '', flag(history !== undefined), flag(state !== undefined)],
        ...(history ? seedArgs(history) : []),
        ...(state ? stateArgs(state.change) : []),
      ])
      if (reply === 'missing') throw unknownChannel(name)
      if (reply === 'changed') return undefined
      const [newOptions, newRevision] = listOf(reply)
      return recordOf(newOptions, newRevision)
    },

    async look(name) {
      const reply = await servers.run(lookChannel, keys.channel(name), [context.clock.now()])
      if (reply === null) throw unknownChannel(name)
      const [used, expected, kept, visits] = listOf(reply).map(numberOf)
      return { used: used === 1, expected: expected === 1, kept: kept === 1, visits: visits ?? 0 }
    },

    async keep(name, visits) {
      const reply = await servers.run(keepChannel, keys.channel(name), [visits])
      if (reply === 'missing') throw unknownChannel(name)
      return numberOf(reply) === 1
    },

    async remove(name, unused) {
      const spot = keys.channel(name)
      const token = await servers.runSafely(removeChannel, spot, [
        context.clock.now(),
        spot.topic,
        flag(unused !== undefined),
      ])
      if (token === null) return false
      // It is gone in any case: a name too much is left out by whoever reads.
      await index.strikeOut(name, textOf(token)).catch(() => {})
      return true
    },

    names: async () => (await index.each((name) => exists(context, keys.channel(name)))).map(([name]) => name),
    count: () => index.count(),

    async sizes(names) {
      const sizes: number[] = []
      for (let i = 0; i < names.length; i += atOnce) {
        const some = names.slice(i, i + atOnce).map(async (name) => {
          const spot = keys.channel(name)
          return numberOf(await servers.send(spot, 'ZCARD', spot.key('members')))
        })
        sizes.push(...(await Promise.all(some)))
      }
      return sizes
    },
  }
}

async function exists({ servers }: Context, spot: Spot): Promise<true | undefined> {
  return (await servers.send(spot, 'EXISTS', spot.key('meta'))) === 1 ? true : undefined
}
