import { channelName, jsonText, limits } from '@hookbox/protocol'
import { ConfigError } from '../config/options.ts'
import type { Command } from './command.ts'
import { answer } from './output.ts'
import { checked, lastOf } from './own.ts'
import { aboutRest, restExits, restFlags, restOf } from './rest.ts'
import type { CommandTerminal } from './run-command.ts'

/** `hookbox publish`: publishes into a channel. */
export const publish: Command = {
  page: {
    usage: 'publish CHANNEL [JSON] [options]',
    about: [
      'Publishes JSON into a channel, or what stands on the standard input where there is none, or a dash.',
      aboutRest,
    ],
    flags: [
      { flag: 'originator', placeholder: 'NAME', help: 'The user shown as publisher. [nobody]' },
      { flag: 'message-id', placeholder: 'ID', help: 'A key: the same again within 5 minutes publishes nothing.' },
      { flag: 'send-hook', help: 'Ask the publish webhook, too.' },
      ...restFlags,
    ],
    exits: restExits,
    examples: [`hookbox publish chat '"Lunch is ready"'`, 'uptime | jq -R . | hookbox publish status'],
  },

  async run(given, terminal) {
    const call = restOf(given)
    const [channel, text, ...more] = given.positionals
    if (channel === undefined) throw new ConfigError('expected a channel')
    if (more.length > 0) throw new ConfigError('expected a channel and one JSON text, which may need quotes')
    const name = checked(() => channelName(channel, 'CHANNEL'))
    const payload = text === undefined || text === '-' ? await standardInput(terminal, text === '-') : text
    const fields = {
      channel_name: name,
      payload: checked(() => jsonText(payload.trim(), 'JSON')),
      originator: lastOf(given, 'originator'),
      message_id: lastOf(given, 'message-id'),
      send_hook: given.own.has('send-hook') ? '1' : undefined,
    }
    const set = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined)
    return answer(terminal, 'publish', await call('publish', Object.fromEntries(set)), given.own.has('json'))
  },
}

async function standardInput({ stdin }: CommandTerminal, isAsked: boolean): Promise<string> {
  if (stdin.isTTY && !isAsked) throw new ConfigError('expected JSON behind the channel, or on the standard input')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    const part = Buffer.from(chunk)
    chunks.push(part)
    bytes += part.length
    if (bytes > limits.frame) throw new ConfigError(`expected at most ${limits.frame} bytes on the standard input`)
  }
  return Buffer.concat(chunks).toString()
}
