import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isObject, quote } from '@hookbox/protocol'
import type { Config, LogConfig } from './config.ts'
import { ConfigError, type HookboxOptions, type Option, type OptionKey, options, shortSecret } from './options.ts'

/** What was set, checked, and what its owner should know of it. */
export interface Loaded {
  readonly config: Config
  readonly warnings: readonly string[]
}

/** What the command line asked for: to start, or only to be told something. */
export type Command = Loaded | 'help' | 'version'

/** A flag of one command alone, besides those of a hub. */
export interface OwnFlag {
  /** Without the dashes. */
  readonly flag: string
  /** What stands for its value in the help; without one it takes none. */
  readonly placeholder?: string
  readonly help: string
}

/** What a command was given: what is set for a hub, and what is its own. */
export interface Given extends Loaded {
  /** By flag, in their order; an empty text for a flag without value. */
  readonly own: ReadonlyMap<string, readonly string[]>
  readonly positionals: readonly string[]
}

/**
 * Reads the command line, the environment and the file of `--config`, in this order of precedence.
 *
 * @throws ConfigError for whatever is unknown or not as expected.
 */
export function load(
  args: readonly string[] = process.argv.slice(2),
  environment: { readonly [name: string]: string | undefined } = process.env,
  readText: (file: string) => string = (file) => readFileSync(file, 'utf8'),
): Command {
  const flags = fromFlags(args, undefined)
  return typeof flags === 'string' ? flags : withOthers(flags, environment, readText)
}

/**
 * The same for a command that has flags of its own and takes words without a dash.
 *
 * @throws ConfigError for whatever is unknown or not as expected.
 */
export function loadForCommand(
  args: readonly string[],
  ownFlags: readonly OwnFlag[],
  environment: { readonly [name: string]: string | undefined },
  readText: (file: string) => string = (file) => readFileSync(file, 'utf8'),
): Given | 'help' | 'version' {
  const flags = fromFlags(args, ownFlags)
  if (typeof flags === 'string') return flags
  return { ...withOthers(flags, environment, readText), own: flags.own, positionals: flags.positionals }
}

function withOthers(
  flags: Flags,
  environment: { readonly [name: string]: string | undefined },
  readText: (file: string) => string,
): Loaded {
  const variables = fromEnvironment(environment)
  const file = flags.file ?? variables.file
  const inFile = file === undefined ? new Map() : fromFile(file, readText)
  return finish(new Map([...inFile, ...variables.given, ...flags.given]))
}

/**
 * Reads the options of a hub inside a Node server. `callbacks` says that functions are given for the webhooks: then open
 * mode is never meant. `basePath` stands in where the options have none.
 *
 * @throws ConfigError that names the option as it is written in code.
 */
export function loadOptions(
  object: HookboxOptions,
  surroundings: { readonly callbacks?: boolean; readonly basePath?: string } = {},
): Loaded {
  const given: Settings = new Map()
  for (const [key, value] of Object.entries(object)) {
    const option = byKey.get(key)
    if (option === undefined) throw new ConfigError(`${key}: no option has this name`)
    if (value !== undefined) given.set(option.key, check(option, key, value))
  }
  const { value: workers = 1 } = given.get('workers') ?? {}
  if (workers !== 1) {
    throw new ConfigError(
      `workers: expected 1, got ${quote(workers)}, as only the command starts processes; inside a Node server a hub is one node`,
    )
  }
  return finish(given, surroundings)
}

/** A checked value and the name that its source has for it. */
interface Setting {
  readonly source: string
  readonly value: unknown
}

type Settings = Map<OptionKey, Setting>

interface Flags {
  readonly given: Settings
  readonly file: string | undefined
  readonly own: ReadonlyMap<string, readonly string[]>
  readonly positionals: readonly string[]
}

const byKey: ReadonlyMap<string, Option> = new Map(options.map((option) => [option.key, option]))
const byFlag: ReadonlyMap<string | undefined, Option> = new Map(options.map((option) => [option.flag, option]))
const byFileKey: ReadonlyMap<string, Option> = new Map(options.map((option) => [option.fileKey, option]))
const byVariable: ReadonlyMap<string | undefined, Option> = new Map(options.map((option) => [option.variable, option]))

/** Without `ownFlags` the command takes no words without a dash either. */
function fromFlags(args: readonly string[], ownFlags: readonly OwnFlag[] | undefined): 'help' | 'version' | Flags {
  const flags = Object.fromEntries(
    options.flatMap((option) => {
      if (option.flag === undefined) return []
      const type = option.kind.shape === 'switch' ? ('boolean' as const) : ('string' as const)
      return [[option.flag, option.short === undefined ? { type } : { type, short: option.short }]]
    }),
  )
  const { tokens } = parseArgs({
    args: [...args],
    options: {
      ...flags,
      ...Object.fromEntries(
        (ownFlags ?? []).map(({ flag, placeholder }) => [
          flag,
          { type: placeholder === undefined ? 'boolean' : 'string' },
        ]),
      ),
      config: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    },
    strict: false,
    tokens: true,
  })

  const given: Settings = new Map()
  const lists = new Map<Option, string[]>()
  const own = new Map<string, string[]>()
  const positionals: string[] = []
  let file: string | undefined
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      if (!ownFlags) throw new ConfigError(`${quote(token.value)}: expected options, or a command as the first word`)
      positionals.push(token.value)
      continue
    }
    const { name, rawName, value, inlineValue } = token
    if (name === 'help' || name === 'version') return name
    const ownFlag = ownFlags?.find(({ flag }) => flag === name)
    if (ownFlag) {
      own.set(name, [...(own.get(name) ?? []), ownValue(ownFlag, rawName, value, inlineValue === true)])
      continue
    }
    const option = byFlag.get(name)
    if (option === undefined && name !== 'config')
      throw new ConfigError(`${rawName}: no option has this name; hookbox --help lists them`)
    if (option?.kind.shape === 'switch') {
      if (value !== undefined) throw new ConfigError(`${rawName}: expected no value, got ${quote(value)}`)
      given.set(option.key, { source: rawName, value: true })
      continue
    }
    const expected = option?.kind.expected ?? 'the path of a file'
    if (value === undefined) throw new ConfigError(`${rawName}: expected ${expected}, got nothing`)
    if (!inlineValue) refuseDash(value, rawName, name, expected)
    if (option === undefined) file = value
    else if (option.kind.shape === 'list') {
      check(option, rawName, value)
      const values = lists.get(option) ?? []
      values.push(value)
      lists.set(option, values)
      given.set(option.key, { source: rawName, value: values })
    } else given.set(option.key, check(option, rawName, option.kind.fromText(value), value))
  }
  return { given, file, own, positionals }
}

/** A flag that was given no value takes the next flag for it. */
function refuseDash(value: string, rawName: string, name: string, expected: string): void {
  if (!value.startsWith('-') || value === '-') return
  throw new ConfigError(`${rawName}: expected ${expected}; write a value that begins with a dash as --${name}=…`)
}

function ownValue({ flag, placeholder }: OwnFlag, rawName: string, value: string | undefined, inline: boolean): string {
  if (placeholder === undefined) {
    if (value !== undefined) throw new ConfigError(`${rawName}: expected no value`)
    return ''
  }
  if (value === undefined) throw new ConfigError(`${rawName}: expected ${placeholder}, got nothing`)
  if (!inline) refuseDash(value, rawName, flag, placeholder)
  return value
}

/**
 * Variables of this prefix that others set: scripts that start or test a hub, and Kubernetes, which describes a service named
 * `hookbox` to every container beside it.
 */
const notOurs = /^HOOKBOX_(BIN|CHROMIUM|FIREFOX|RUNS|SEED|PATH|SERVICE_.*|PORT_\d+_.*)$/

function fromEnvironment(environment: { readonly [name: string]: string | undefined }): {
  given: Settings
  file: string | undefined
} {
  const given: Settings = new Map()
  let file: string | undefined
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('HOOKBOX_') || value === undefined) continue
    if (name === 'HOOKBOX_CONFIG') {
      file = value
      continue
    }
    const option = byVariable.get(name)
    if (option === undefined && notOurs.test(name)) continue
    if (option === undefined) throw new ConfigError(`${name}: no option has this name; hookbox --help lists them`)
    given.set(option.key, check(option, name, option.kind.fromText(value), value))
  }
  return { given, file }
}

function fromFile(file: string, readText: (file: string) => string): Settings {
  const given: Settings = new Map()
  for (const [key, value] of Object.entries(parseFile(file, readText))) {
    const source = `${file}: ${key}`
    const option = byFileKey.get(key)
    if (option === undefined) throw new ConfigError(`${source}: no option has this name`)
    given.set(option.key, check(option, source, value))
  }
  return given
}

function parseFile(file: string, readText: (file: string) => string): { [key: string]: unknown } {
  let value: unknown
  try {
    value = JSON.parse(readText(file))
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'expected JSON' : 'cannot be read'
    throw new ConfigError(`${file}: ${why}, ${firstLine(cause)}`, { cause })
  }
  if (!isObject(value)) throw new ConfigError(`${file}: expected an object, got ${quote(value)}`)
  return value
}

function check(option: Option, source: string, value: unknown, shown: unknown = value): Setting {
  const checked = option.kind.check(value)
  if (checked !== undefined) return { source, value: checked }
  const got = option.unshown ? '' : `, got ${quote(shown)}`
  throw new ConfigError(`${source}: expected ${option.kind.expected}${got}`)
}

function finish(
  given: Settings,
  surroundings: { readonly callbacks?: boolean; readonly basePath?: string } = {},
): Loaded {
  /** Each option's kind checks its type, which the table's rows cannot tell the compiler. */
  const value = <T>(key: OptionKey): T => (given.get(key)?.value ?? byKey.get(key)?.default) as T

  const open = isOpen(given, surroundings.callbacks === true)
  const config: Config = {
    port: value('port'),
    interface: value<string | undefined>('interface') ?? (open ? '127.0.0.1' : '0.0.0.0'),
    basePath: given.has('basePath') ? value('basePath') : (surroundings.basePath ?? ''),
    webApiPort: value('webApiPort'),
    webApiInterface: value('webApiInterface'),
    apiSecurityToken: value('apiSecurityToken'),
    adminPassword: value('adminPassword'),
    adminPort: value('adminPort'),
    adminInterface: value<string | undefined>('adminInterface') ?? '127.0.0.1',
    webhookSecret: value('webhookSecret'),
    signingSecrets: value('signingSecret'),
    cookieIdentifier: value('cookieIdentifier'),
    ignorePublishNonExistingChannels: value('ignorePublishNonExistingChannels'),
    allowSetConfig: value('allowSetConfig'),
    open,
    checkHost: open && !(given.has('open') && given.has('interface')),
    origins: value('origin'),
    trustProxy: value('trustProxy'),
    linger: value('linger'),
    rate: value('rate'),
    compression: value('compression'),
    snapshot: value('snapshot'),
    recoveryMemory: value<number>('recoveryMemory') * 1_048_576,
    redis: redisOf(value('redis'), value('redisPrefix'), value('redisWait')),
    workers: workersOf(value('workers')),
    drain: value('drain'),
    userDefaults: value('userDefaults'),
    webhooks: {
      host: value('cbhost'),
      port: value('cbport'),
      path: value('cbpath'),
      https: value('cbhttps'),
      trailingSlash: value('cbtrailingslash'),
      sendVersion: value('cbsendhookboxversion'),
      singleUrl: value('cbSingleUrl'),
      names: Object.fromEntries(
        options
          .filter((option) => option.group === 'Webhook names')
          .map((option) => [String(option.default), value<string>(option.key)]),
      ),
      timeout: 5_000,
    },
    log: {
      level: value<LogConfig['level']>('logLevel'),
      errorFile: value('logFileErrors'),
      accessFile: value('logFileAccess'),
    },
  }
  checkPorts(given, config)
  const snapshot = given.get('snapshot')
  if (snapshot && config.redis) {
    throw new ConfigError(`${snapshot.source}: with Redis a hub has no memory of its own that could be put away`)
  }
  checkWorkers(given, config)
  return { config, warnings: warnings(given) }
}

function redisOf(urls: readonly string[], prefix: string, wait: number): Config['redis'] {
  return urls.length === 0 ? undefined : { urls, prefix, wait }
}

function workersOf(value: number | 'auto'): number {
  return value === 'auto' ? availableParallelism() : value
}

/** `auto` needs Redis on a machine with a single processor, too: what is right here is right on every machine. */
function checkWorkers(given: Settings, { redis }: Config): void {
  const workers = given.get('workers')
  if (workers === undefined || workers.value === 1 || redis) return
  const snapshot = given.get('snapshot')
  if (snapshot) {
    throw new ConfigError(
      `${workers.source}: expected 1, got ${quote(workers.value)}, as several workers have no memory that ${snapshot.source} could put away`,
    )
  }
  throw new ConfigError(
    `${workers.source}: expected --redis as well, got ${quote(workers.value)} without it, as workers share nothing else`,
  )
}

/** What has a port of its own needs another one than what came before it. */
function checkPorts(given: Settings, config: Config): void {
  const { port, interface: main, webApiPort, webApiInterface = main, adminPort, adminInterface } = config
  const taken = [{ port, address: main, of: 'that for browsers' }]
  const wanted = [
    { key: 'webApiPort', port: webApiPort, address: webApiInterface, of: 'that of REST' },
    { key: 'adminPort', port: adminPort, address: adminInterface, of: 'that of the console' },
  ] as const
  for (const { key, port, address, of } of wanted) {
    if (port === undefined || port === 0) continue
    const clash = taken.find((other) => other.port === port && sameAddress(other.address, address))
    if (clash) {
      throw new ConfigError(`${given.get(key)?.source}: expected another port than ${clash.of}, got ${port} for both`)
    }
    taken.push({ port, address, of })
  }
}

function sameAddress(one: string, other: string): boolean {
  return one === other || one === '0.0.0.0' || other === '0.0.0.0'
}

function isOpen(given: Settings, callbacks: boolean): boolean {
  const asked = given.get('open')
  if (asked === undefined) return !callbacks && [...given.keys()].every((key) => byKey.get(key)?.openMode)
  if (asked.value !== true) return false
  const other = callbacks ? 'callbacks' : [...given].find(([key]) => byKey.get(key)?.callback)?.[1].source
  if (other !== undefined)
    throw new ConfigError(`${asked.source}: everyone is admitted without webhooks, so it cannot go with ${other}`)
  return true
}

function warnings(given: Settings): string[] {
  const found: string[] = []
  for (const [key, { source, value }] of given) {
    if (byKey.get(key)?.secret !== true) continue
    const secrets: readonly unknown[] = Array.isArray(value) ? value : [value]
    if (secrets.some((secret) => Buffer.byteLength(String(secret)) < shortSecret))
      found.push(`${source}: a secret of less than ${shortSecret} bytes can be guessed`)
  }
  return found
}

function firstLine(cause: unknown): string {
  const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n')
  return line
}
