import { closeCodes, type HookboxError, type Json } from '@hookbox/protocol'
import type { CloseEvent, Log, StatusEvent } from './events.ts'

/** Where an inspector writes, and under which name. */
export interface InspectOptions {
  /** Begins every line. Default `hookbox`. */
  label?: string | undefined
  /** Default the global one. */
  console?: Pick<Console, 'log' | 'warn' | 'debug'> | undefined
}

/** A frame of either direction. */
type Frame = readonly [id: number, name: string, args?: Readonly<Record<string, Json>>]

/** A frame that waits for its answer. */
interface Asked {
  readonly what: string
  readonly at: number
}

/** What opens doors: consoles are copied into bug reports. */
const secret: ReadonlySet<string> = /* @__PURE__ */ new Set(['cookie_string', 'cookie', 'ticket'])

/** What is said for the line's own sake. */
const idle = /^P[IO]NG$/

const closed: Readonly<Record<number, string>> = {
  1006: 'the line broke, or none opened',
  [closeCodes.asleep]: 'the page goes to sleep',
  [closeCodes.normal]: 'on purpose',
  [closeCodes.tooBig]: 'a message was too large',
  [closeCodes.malformed]: 'what was sent is no frame',
  [closeCodes.refused]: 'the application refused',
  [closeCodes.removed]: 'the application put this user out',
  [closeCodes.noCommonVersion]: 'client and hub have no version in common',
  [closeCodes.internal]: 'something went wrong, in the hub or with what it said',
  [closeCodes.webhookFailed]: 'the hub could not ask the application',
  [closeCodes.stopping]: 'the hub is stopping',
  [closeCodes.silent]: 'nothing was heard for too long',
  [closeCodes.slow]: 'the page reads too slowly',
}

/**
 * Shows in the console what a connection does: every frame with its answer and how long that took, its states, when the next
 * try comes and why a line ended. Cookies and tickets are left out. One inspector watches one connection.
 *
 * @example
 * const conn = connect('https://hub.example.org', { log: inspect() })
 */
export function inspect({ label = 'hookbox', console = globalThis.console }: InspectOptions = {}): Log {
  const asked = new Map<number, Asked>()

  function show(how: 'log' | 'warn' | 'debug', mark: string, text: string, details?: unknown): void {
    const line = `${label} ${mark} ${text}`
    if (details === undefined) console[how](line)
    else console[how](line, details)
  }

  function frames(mark: '↑' | '↓', message: string): void {
    for (const text of message.split('\n')) {
      const frame = frameIn(text)
      if (frame) one(mark, ...frame)
      else show('warn', mark, 'no frame:', text)
    }
  }

  function one(mark: '↑' | '↓', id: number, name: string, args: Readonly<Record<string, Json>> = {}): void {
    const shown = Object.entries(args).map(([key, value]) => [key, secret.has(key) ? '(left out)' : value])
    const details = shown.length > 0 ? Object.fromEntries(shown) : undefined
    const number = id > 0 ? `#${id} ` : ''
    const what = [name, args.channel_name].filter(Boolean).join(' ')
    if (mark === '↑') {
      if (id > 0) asked.set(id, { what, at: Date.now() })
      return show(idle.test(name) ? 'debug' : 'log', mark, number + what, details)
    }
    const question = asked.get(id)
    asked.delete(id)
    const answers = question ? ` to ${question.what}` : ''
    const took = question ? ` (${Date.now() - question.at} ms)` : ''
    if (name === 'ERROR') return show('warn', mark, `${number}ERROR${answers}: ${args.message}${took}`, details)
    const said = name === 'RESULT' ? `RESULT${answers}` : what + inWords(name, args)
    show(idle.test(name) ? 'debug' : 'log', mark, number + said + took, details)
  }

  function status({ status, retryAt }: StatusEvent): void {
    const next = retryAt === undefined ? '' : `, next try in ${((retryAt - Date.now()) / 1000).toFixed(1)} s`
    show('log', '●', status + next)
  }

  function close({ code, reason, comesBack }: CloseEvent): void {
    asked.clear()
    const why = [closed[code], reason && JSON.stringify(reason)].filter(Boolean).join(': ')
    const then = comesBack ? 'comes back' : 'over for good'
    show(comesBack || code === closeCodes.normal ? 'log' : 'warn', '✕', `closed with ${code}, ${why}; ${then}`)
  }

  return (text, details) => {
    if (text === 'sent') frames('↑', details as string)
    else if (text === 'heard') frames('↓', details as string)
    else if (text === 'status') status(details as StatusEvent)
    else if (text === 'close') close(details as CloseEvent)
    else if (text === 'error') show('warn', '!', `${(details as HookboxError).code}:`, details)
    else if (text === 'cookie not set') show('warn', '!', 'cookie not set:', details)
    // what else a connection tells came by a frame
  }
}

function frameIn(text: string): Frame | undefined {
  try {
    const frame = JSON.parse(text)
    return Array.isArray(frame) && typeof frame[0] === 'number' && typeof frame[1] === 'string'
      ? (frame as unknown as Frame)
      : undefined
  } catch {
    return undefined
  }
}

/** What a frame comes to, where its arguments must be known to tell. */
function inWords(name: string, { name: user, recovered, missed, reason }: Readonly<Record<string, Json>>): string {
  if (name === 'CONNECTED') return ` as ${user}`
  if (name === 'UNSUBSCRIBED') return `: ${reason}`
  if (name !== 'SUBSCRIBED' || recovered === undefined) return ''
  return recovered ? `: recovered, ${missed ?? 0} missed follow` : ': not recovered, what was missed is lost'
}
