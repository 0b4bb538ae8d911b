import type { Messages } from '../broker.ts'
import { sentWindow } from '../memory/sent-ids.ts'
import { type Context, nowhere } from './context.ts'
import { readMissed } from './entries.ts'
import { noteSent, readMessages, sendMessage, wasSent } from './lua/user.ts'
import { listOf, numberOf, textOf } from './replies.ts'
import type { Arg } from './servers.ts'

/** Private messages: each user's own log. */
export function redisMessages(context: Context): Messages {
  const { servers, keys, clock } = context
  // What is kept with an id has no size.
  const sentArgs: readonly Arg[] = [sentWindow.duration, sentWindow.size, 0]

  return {
    async send(user, inside) {
      const spot = keys.user(user)
      const reply = await servers.runSafely(sendMessage, spot, [...context.logArgs(spot), inside])
      if (reply === null) return undefined
      const [epoch, offset] = listOf(reply)
      return { epoch: textOf(epoch), offset: numberOf(offset) }
    },

    async read(user, since = nowhere) {
      const spot = keys.user(user)
      const reply = await servers.run(readMessages, spot, [...context.logArgs(spot), since.epoch, since.offset])
      if (reply === null) return { top: nowhere, missed: undefined }
      const [epoch, offset, missed] = listOf(reply)
      const top = { epoch: textOf(epoch), offset: numberOf(offset) }
      return { top, missed: readMissed(missed, top) }
    },

    wasSent: async (sender, id) =>
      (await servers.run(wasSent, keys.user(sender), [clock.now(), ...sentArgs, id])) === 1,

    async sent(sender, id) {
      await servers.run(noteSent, keys.user(sender), [clock.now(), ...sentArgs, id])
    },
  }
}
