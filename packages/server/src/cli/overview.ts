import { channelName, userName } from '@hookbox/protocol'
import type { Given } from '../config/load.ts'
import { printable } from '../printable.ts'
import type { Command } from './command.ts'
import { answer, complain, isForPrograms, show } from './output.ts'
import { checked, noWords } from './own.ts'
import { aboutRest, restExits, restFlags, restOf } from './rest.ts'
import { type CommandTerminal, exits } from './run-command.ts'

/** `hookbox info`: what the hub is and how much is on it. */
export const info: Command = {
  page: {
    usage: 'info [options]',
    about: [
      'Prints what the hub is and how much is on it. For programs it is everything that get_server_info tells.',
      aboutRest,
    ],
    flags: restFlags,
    exits: restExits,
    examples: ['hookbox info', 'hookbox info --rest https://hub.example.org | jq .version'],
  },

  async run(given, terminal) {
    noWords(given)
    const answered = await restOf(given)('get_server_info')
    const json = given.own.has('json')
    if (answered.kind !== 'done' || isForPrograms(terminal, json)) return answer(terminal, 'info', answered, json)
    const rows = Object.entries(answered.details)
    const width = Math.max(...rows.map(([name]) => name.length))
    for (const [name, value] of rows) {
      terminal.stdout.write(`${printable(`${name.padEnd(width)}  ${Array.isArray(value) ? value.length : value}`)}\n`)
    }
    return exits.done
  },
}

/** `hookbox channels`: the names of all channels, or all about some of them. */
export const channels: Command = list({
  name: 'channels',
  word: 'CHANNEL',
  method: 'get_channel_info',
  field: 'channel_name',
  check: channelName,
  about:
    'Prints the names of all channels, one on a line; or all about those that are named: options, history, state and subscribers.',
  example: 'hookbox channels chat | jq .subscribers',
})

/** `hookbox users`: the names of all users, or all about some of them. */
export const users: Command = list({
  name: 'users',
  word: 'USER',
  method: 'get_user_info',
  field: 'user_name',
  check: userName,
  about:
    'Prints the names of all users who are connected, one on a line; or all about those that are named: channels, connections and options.',
  example: 'hookbox users ann | jq .channels',
})

interface List {
  readonly name: 'channels' | 'users'
  readonly word: string
  /** Tells all about one. */
  readonly method: string
  readonly field: string
  readonly check: (value: unknown, field: string) => string
  readonly about: string
  readonly example: string
}

function list({ name, word, method, field, check, about, example }: List): Command {
  async function listAll(given: Given, terminal: CommandTerminal, json: boolean): Promise<number> {
    const answered = await restOf(given)('get_server_info')
    if (answered.kind !== 'done') return complain(terminal, name, answered)
    const names = (answered.details[name] as readonly string[] | undefined) ?? []
    const line = isForPrograms(terminal, json) ? (one: string) => JSON.stringify({ name: one }) : printable
    terminal.stdout.write(names.map((one) => `${line(one)}\n`).join(''))
    return exits.done
  }

  return {
    page: {
      usage: `${name} [${word} …] [options]`,
      about: [about, `For programs each line is JSON. ${aboutRest}`],
      flags: restFlags,
      exits: restExits,
      examples: [`hookbox ${name}`, example],
    },

    async run(given, terminal) {
      const json = given.own.has('json')
      const named = given.positionals.map((one) => checked(() => check(one, word)))
      if (named.length === 0) return listAll(given, terminal, json)
      const call = restOf(given)
      let code: number = exits.done
      for (const one of named) {
        const answered = await call(method, { [field]: one })
        if (answered.kind === 'done') show(terminal, { value: answered.details, json })
        else code = Math.max(code, complain(terminal, name, answered))
      }
      return code
    },
  }
}
