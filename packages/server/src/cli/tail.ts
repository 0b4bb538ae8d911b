import {
  type Connection,
  connect,
  type HistoryEntry,
  type HookboxError,
  type Json,
  type WebSocketConstructor,
} from '@hookbox/client'
import { channelName } from '@hookbox/protocol'
import { WebSocket } from 'ws'
import type { Given } from '../config/load.ts'
import { ConfigError } from '../config/options.ts'
import { localUrl } from '../local-url.ts'
import { printable } from '../printable.ts'
import type { Command } from './command.ts'
import { isForPrograms } from './output.ts'
import { checked, cookiesOf, lastOf } from './own.ts'
import { type CommandTerminal, exits } from './run-command.ts'
import { readable, type Told } from './told.ts'

/** Milliseconds that leaving may take. */
const leaving = 1_000

/** Bytes that whoever reads may leave unread; beyond it the tail ends. */
const maxUnread = 67_108_864

/** `hookbox tail`: what is told in a channel, as it comes. */
export const tail: Command = {
  page: {
    usage: 'tail CHANNEL [options]',
    about: [
      'Joins a channel as a page does, and prints what is published and who comes and goes, until it is ended with Ctrl-C. It comes back by itself after a break, and nothing is printed twice. For programs each line is JSON; how the connection fares is told on the standard error.',
      'Your application is asked as for any page: it is a user like others, and others see it.',
    ],
    flags: [
      { flag: 'url', placeholder: 'URL', help: 'The hub, as pages have it. [where these options have it listen]' },
      {
        flag: 'name',
        placeholder: 'NAME',
        help: 'Short for --payload {"name":NAME}, by which a hub in open mode goes.',
      },
      { flag: 'payload', placeholder: 'JSON', help: 'What it passes to connect.' },
      { flag: 'cookie', placeholder: 'COOKIES', help: 'Cookies that it brings, as session=…; repeatable.' },
      { flag: 'history', help: 'Print the history of the channel first.' },
      { flag: 'json', help: 'Print JSON on a terminal, too.' },
    ],
    exits: {
      0: 'It was ended.',
      1: 'The hub or the application said no, or put it out of the channel.',
      2: 'An option is wrong.',
      3: 'What it prints is not read.',
    },
    examples: [
      'hookbox tail chat --name ann',
      'hookbox tail chat --url wss://hub.example.org --cookie "session=$SESSION" | jq .payload',
    ],
  },

  run(given, terminal) {
    const [name, ...more] = given.positionals
    if (name === undefined || more.length > 0) throw new ConfigError('expected one channel')
    const channel = checked(() => channelName(name, 'CHANNEL'))
    const connection = checked(() =>
      connect(urlOf(given), { payload: payloadOf(given), WebSocket: webSocketWith(cookiesOf(given)) }),
    )
    return follow(connection, channel, given, terminal)
  },
}

/** @throws ConfigError */
function urlOf(given: Given): string {
  const { config } = given
  const url = lastOf(given, 'url')
  if (url === undefined && config.port === 0)
    throw new ConfigError('expected --url, as the port is one that the hub picks')
  return url ?? localUrl(config.interface, config.port) + config.basePath
}

/** @throws ConfigError */
function payloadOf(given: Given): Json | undefined {
  const name = lastOf(given, 'name')
  const payload = lastOf(given, 'payload')
  if (name !== undefined && payload !== undefined)
    throw new ConfigError('--name: it stands for --payload, so one of them')
  if (name !== undefined) return { name }
  if (payload === undefined) return undefined
  try {
    return JSON.parse(payload) as Json
  } catch (cause) {
    throw new ConfigError('--payload: expected JSON', { cause })
  }
}

/** Brings the cookies in the handshake, as a browser does. */
function webSocketWith(cookies: string | undefined): WebSocketConstructor {
  return class extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols, {
        perMessageDeflate: false,
        ...(cookies !== undefined && { headers: { cookie: cookies } }),
      })
    }
  }
}

/** Prints what is told until somebody ends it, and tells the exit code. */
function follow(connection: Connection, channel: string, given: Given, terminal: CommandTerminal): Promise<number> {
  const { stdout, stderr } = terminal
  const forPrograms = isForPrograms(terminal, given.own.has('json'))

  return new Promise((resolve) => {
    let ended = false
    const say = (text: string) => {
      if (!ended) stderr.write(`hookbox tail: ${printable(text)}\n`)
    }
    const end = (code: number) => {
      if (ended) return
      ended = true
      connection.disconnect()
      // A hub that does not close its side holds nobody up.
      setTimeout(() => terminal.exit(code), leaving).unref()
      resolve(code)
    }
    const print = (told: Told) => {
      if (ended) return
      stdout.write(`${forPrograms ? JSON.stringify({ channel, ...told }) : readable(told)}\n`)
      if (stdout.writableLength <= maxUnread) return
      say('what it prints is not read')
      end(exits.fault)
    }
    stdout.on('error', () => end(exits.done))
    terminal.on('SIGINT', () => end(exits.done))
    terminal.on('SIGTERM', () => end(exits.done))
    watch(connection, say, end)

    const subscription = connection.subscribe(channel)
    let isNew = true
    subscription.on('subscribed', () => {
      if (isNew && given.own.has('history')) for (const entry of subscription.history) print(fromHistory(entry))
      say(isNew ? `in ${channel}` : `in ${channel} again`)
      isNew = false
    })
    subscription.on('publish', ({ replayed: _, ...args }) => print({ event: 'publish', ...args }))
    subscription.on('subscribe', (args) => print({ event: 'subscribe', ...args }))
    subscription.on('unsubscribe', (args) => print({ event: 'unsubscribe', ...args }))
    subscription.on('state', (_state, { updates, deletes }) => print({ event: 'state', updates, deletes }))
    subscription.on('gap', ({ reason, lost }) => print({ event: 'gap', reason, ...(lost !== undefined && { lost }) }))
    subscription.on('error', (error) => fail(error, say, end))
    connection.on('unsubscribed', (event) => {
      if (event.channel !== channel) return
      say(`put out of ${channel}: ${event.reason}`)
      end(exits.no)
    })
  })
}

/** Says how the connection fares. A break is told once, however often the way back is tried. */
function watch(connection: Connection, say: (text: string) => void, end: (code: number) => void): void {
  let isBroken = false
  connection.on('open', ({ user, again }) => {
    isBroken = false
    say(`connected as ${user}${again ? ' again' : ''}`)
  })
  connection.on('error', (error) => fail(error, say, end))
  connection.on('close', ({ code, reason, comesBack, wasConnected }) => {
    if (!comesBack) {
      say(`closed for good: ${code}${reason === '' ? '' : ` ${reason}`}`)
      return end(exits.no)
    }
    if (isBroken) return
    isBroken = true
    say(`${wasConnected ? 'the line broke' : 'the hub cannot be reached'}; trying again`)
  })
}

/** What is temporary is tried again by the client. */
function fail({ message, temporary }: HookboxError, say: (text: string) => void, end: (code: number) => void): void {
  say(message)
  if (!temporary) end(exits.no)
}

function fromHistory([name, args]: HistoryEntry): Told {
  if (name === 'PUBLISH') return { event: 'publish', ...args, history: true }
  return { event: name === 'SUBSCRIBE' ? 'subscribe' : 'unsubscribe', ...args, history: true }
}
