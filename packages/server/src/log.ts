import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import { isObject } from '@hookbox/protocol'
import pino from 'pino'
import type { LogConfig } from './config/config.ts'
import { ConfigError } from './config/options.ts'
import { Feed } from './feed.ts'
import { printable } from './printable.ts'
import { ignore } from './requests.ts'
import { isSecretName, withoutSecrets } from './secrets.ts'

/** The hub's log. Fields that may hold a secret are redacted by their names, whoever logs them and however deep they are. */
export interface Log {
  trace: Logged
  debug: Logged
  info: Logged
  warn: Logged
  error: Logged
  fatal: Logged
  /** The same log with fields that every line carries. */
  child(fields: LogFields): Log
}

/** A log whose last lines can be read. */
export interface KeptLog extends Log {
  /** JSON texts, as they go to stdout. */
  readonly lines: Feed<string>
}

/** One line: what happened, in words that do not vary, and what varies as fields; an error as `err`. */
export interface Logged {
  (message: string): void
  (fields: LogFields, message: string): void
}

export type LogFields = { readonly [field: string]: unknown }

/** Where lines go besides the files; on a terminal they are made readable. */
export interface LogStreams {
  readonly stdout: Writable & { readonly isTTY?: boolean }
}

/**
 * Opens the log: JSON lines on stdout, or readable ones on a terminal; errors go to `errorFile` as well. `fields` are in every
 * line.
 *
 * @throws ConfigError when the file cannot be opened.
 */
export function createLog(config: LogConfig, streams: LogStreams = process, fields: LogFields = {}): KeptLog {
  const { stdout } = streams
  if (!stdout.listeners('error').includes(ignore)) stdout.on('error', ignore)
  const write = stdout.isTTY
    ? (line: string) => stdout.write(readable(line, stdout))
    : (line: string) => stdout.write(line)
  const level = config.level === 'silent' ? 'fatal' : config.level
  const targets: pino.StreamEntry[] = [{ level, stream: { write } }]
  const lines = new Feed<string>(keptLines)
  targets.push({ level, stream: { write: (line: string) => lines.add(line, 2 * line.length) } })
  if (config.errorFile !== undefined) {
    const file = openFile('log_file_errors', config.errorFile)
    targets.push({ level: 'error', stream: { write: file.write } })
  }
  const logger = pino(
    {
      level: config.level,
      base: { pid: process.pid, ...fields },
      serializers: { err: (value: unknown) => value },
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => clean(fields) as LogFields,
      },
      hooks: {
        logMethod(args, method) {
          const cut = args.map((arg: unknown) => (typeof arg === 'string' ? shorten(arg) : arg))
          // A message is never a format: a stranger's `%o` in it must not reach for the fields.
          const [first, second] = cut
          method.apply(this, typeof first === 'string' ? [{}, '%s', first] : [first as object, '%s', second ?? ''])
        },
      },
    },
    pino.multistream(targets),
  )
  // pino formats the bindings of the first logger only; its children inherit from it.
  const { child } = logger
  return Object.assign(logger, {
    lines,
    child(this: typeof logger, fields: LogFields): Log {
      return child.call(this, clean(fields) as LogFields)
    },
  })
}

/** What happened at the door: an HTTP request, or a WebSocket when it has ended. Without a query, which may hold a secret. */
export interface AccessLine {
  /** Its id, which other lines about it carry, too. */
  readonly request: string
  readonly address: string
  readonly method: string
  readonly path: string
  readonly status: number
  /** Milliseconds from its first byte to its end. */
  readonly duration: number
  readonly userAgent: string | undefined
  /** Of a WebSocket. */
  readonly closeCode?: number
}

/** Writes one line for each. */
export interface AccessLog {
  write(line: AccessLine): void
  close(): void
}

/**
 * Opens the file for access lines, which are JSON, one a line. `fields` are in every line. Undefined without a file: then no line
 * need be made up.
 *
 * @throws ConfigError when the file cannot be opened.
 */
export function createAccessLog(accessFile: string | undefined, fields: LogFields = {}): AccessLog | undefined {
  if (accessFile === undefined) return undefined
  const file = openFile('log_file_access', accessFile)
  return {
    write(line) {
      file.write(`${JSON.stringify({ time: new Date().toISOString(), ...fields, ...(clean(line) as object) })}\n`)
    },
    close: file.close,
  }
}

/** For whoever looks at a hub without its files. */
const keptLines = { items: 500, bytes: 1_048_576 }

/** Where a string is cut, so that nobody can fill a disk with one line. */
const longest = 256
const longestStack = 4_096
const deepest = 6
const mostMembers = 100

const locationName = /^(url|path|uri)$/i

/** A copy that is fit for the log: redacted, cut, and with errors as what they say. */
function clean(value: unknown, name = '', depth = 0): unknown {
  if (isSecretName(name) && value !== undefined && value !== null) return '[redacted]'
  if (typeof value === 'string') return shorten(withoutSecrets(locationName.test(name) ? withoutQuery(value) : value))
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === deepest) return '[…]'
  if (value instanceof Error) return cleanError(value, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, mostMembers).map((one) => clean(one, '', depth + 1))
  const entries = Object.entries(value).slice(0, mostMembers)
  return Object.fromEntries(entries.map(([key, one]) => [key, clean(one, key, depth + 1)]))
}

function cleanError(error: Error, depth: number): unknown {
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return {
    type: shorten(name),
    message: shorten(withoutSecrets(message)),
    ...(code === undefined ? {} : { code: clean(code) }),
    ...(stack === undefined ? {} : { stack: shorten(withoutSecrets(stack), longestStack) }),
    ...(cause === undefined ? {} : { cause: clean(cause, '', depth + 1) }),
  }
}

function shorten(text: string, most: number = longest): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

/** Neither the query nor a name and password before the host. */
function withoutQuery(location: string): string {
  return location.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//')
}

const styles: { readonly [level: string]: Parameters<typeof styleText>[0] } = {
  trace: 'gray',
  debug: 'cyan',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: ['bold', 'red'],
}

/** A JSON line made readable: time, level, message, the fields as `key=value`, and stacks below. */
function readable(line: string, stream: Writable): string {
  const parsed: unknown = JSON.parse(line)
  if (!isObject(parsed)) return line
  const { level, time, pid: _, msg, ...fields } = parsed
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    styleText(style, text, { stream, validateStream: true })
  const stacks: string[] = []
  const pairs = Object.entries(fields).map(([key, value]) => {
    if (!isObject(value) || typeof value.stack !== 'string')
      return ` ${paint('gray', `${printable(key)}=`)}${shown(value)}`
    stacks.push(
      `\n${value.stack
        .split('\n')
        .map((row) => `    ${printable(row)}`)
        .join('\n')}`,
    )
    return ''
  })
  const clock = new Date(Number(time)).toTimeString().slice(0, 8)
  const word = paint(styles[String(level)] ?? 'gray', String(level).toUpperCase().padEnd(5))
  return `${paint('gray', clock)} ${word} ${printable(String(msg ?? ''))}${pairs.join('')}${stacks.join('')}\n`
}

function shown(value: unknown): string {
  if (typeof value === 'string') return printable(/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value))
  return printable(JSON.stringify(value) ?? '')
}

interface LogFile {
  write(line: string): void
  close(): void
}

function openFile(option: string, path: string): LogFile {
  try {
    const file = pino.destination({ dest: path, append: true, mkdir: false, sync: true, mode: 0o640 })
    file.on('error', ignore)
    return { write: (line) => void file.write(line), close: () => file.end() }
  } catch (cause) {
    throw new ConfigError(`${option}: cannot write to ${path}, ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}
