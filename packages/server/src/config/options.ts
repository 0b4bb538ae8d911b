import ipaddr from 'ipaddr.js'

/**
 * What can be set, by the names used in code. `hookbox --help` says of each what it does, its unit and its default;
 * the same keys in snake_case stand in the file of `--config`.
 */
export interface HookboxOptions {
  port?: number
  interface?: string
  basePath?: string
  /** An origin exactly as a browser sends it, or a list of them. */
  origin?: string | readonly string[]
  /** A number of hops, or addresses and networks in CIDR form. */
  trustProxy?: number | string | readonly string[]
  /** Seconds. */
  linger?: number
  /** Frames per second. */
  rate?: number
  /** Whether what goes to several pages is compressed, for pages that take it. */
  compression?: boolean
  /** Where the hub puts away what it knows when it is stopped, and takes it up from when it starts. */
  snapshot?: string
  /** Mebibytes. */
  recoveryMemory?: number
  /** Where the nodes of a hub keep what they share: a URL, or a list of them. */
  redis?: string | readonly string[]
  /** What all keys in Redis begin with. */
  redisPrefix?: string
  /** How many replicas must have what is published before it counts as published. */
  redisWait?: number
  /** Processes that the command starts; `auto` is as many as there are processors. A hub inside a Node server is one. */
  workers?: number | 'auto'
  /** Seconds. */
  drain?: number
  open?: boolean
  apiSecurityToken?: string
  adminPassword?: string
  adminPort?: number
  adminInterface?: string
  webApiPort?: number
  webApiInterface?: string
  ignorePublishNonExistingChannels?: boolean
  allowSetConfig?: boolean
  cbhost?: string
  cbport?: number
  cbpath?: string
  cbhttps?: boolean
  cbtrailingslash?: boolean
  cbsendhookboxversion?: boolean
  cbConnect?: string
  cbDisconnect?: string
  cbCreateChannel?: string
  cbDestroyChannel?: string
  cbSubscribe?: string
  cbUnsubscribe?: string
  cbPublish?: string
  cbMessage?: string
  cbSingleUrl?: string
  webhookSecret?: string
  /** A `whsec_…` secret, or a list of them: with several, every call carries a signature by each. */
  signingSecret?: string | readonly string[]
  cookieIdentifier?: string
  /** User options of all users, before the `connect` webhook's reply. */
  userDefaults?: { readonly [option: string]: unknown }
  logLevel?: string
  logFileErrors?: string
  logFileAccess?: string
}

export type OptionKey = keyof HookboxOptions

/** A mistake in what was set: one sentence that names the source and the key and says what was expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** How a value is written and checked. */
export interface Kind {
  /** `switch` takes no value on the command line, `list` may be repeated there. */
  readonly shape: 'switch' | 'value' | 'list'
  /** What stands for the value in the help. */
  readonly placeholder: string
  readonly expected: string
  /** From a flag or the environment; what cannot be read comes back as it is, for `check` to refuse. */
  fromText(text: string): unknown
  /** The value as the hub uses it, or undefined where it is not what was expected. */
  check(value: unknown): unknown
}

export type Group =
  | 'Where it listens'
  | 'Who may connect'
  | 'Memory'
  | 'More than one machine'
  | 'The web application'
  | 'Webhook names'
  | 'REST'
  | 'Console'
  | 'Log'

/** One thing that can be set. */
export interface Option {
  readonly key: OptionKey
  /** Without the dashes; undefined: only in the file. */
  readonly flag: string | undefined
  readonly short: string | undefined
  /** In the file of `--config`. */
  readonly fileKey: string
  /** In the environment; undefined: only in the file. */
  readonly variable: string | undefined
  readonly group: Group
  readonly kind: Kind
  readonly default: unknown
  /** The default in words, where it depends on something else or is not worth a word (empty). */
  readonly defaultText: string | undefined
  readonly help: string
  /** Never shown in a message; an empty one is refused, a short one is warned about. */
  readonly secret: boolean
  /** Never shown in a message, as it may hold a password. */
  readonly unshown: boolean
  /** May be set without leaving open mode (contract: Open mode). */
  readonly openMode: boolean
  /** One of the callback options, which open mode has no use for. */
  readonly callback: boolean
}

/** Shorter secrets can be guessed. */
export const shortSecret = 24

function whole(least: number, most: number, placeholder = 'N'): Kind {
  return {
    shape: 'value',
    placeholder,
    expected: `a whole number from ${least} to ${most}`,
    fromText: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : text),
    check: (value) => (Number.isInteger(value) && inRange(value, least, most) ? value : undefined),
  }
}

function seconds(most: number): Kind {
  return {
    shape: 'value',
    placeholder: 'SECONDS',
    expected: `a number of seconds from 0 to ${most}`,
    fromText: (text) => (/^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : text),
    check: (value) => (inRange(value, 0, most) ? Math.round(Number(value) * 1000) : undefined),
  }
}

function text(placeholder: string, expected: string, read: (value: string) => string | undefined): Kind {
  return {
    shape: 'value',
    placeholder,
    expected,
    fromText: (value) => value,
    check: (value) => (typeof value === 'string' ? read(value) : undefined),
  }
}

/** `fromText` leaves a single flag as it is and splits the environment's list, which `between` parts; see `load.ts`. */
function list(
  placeholder: string,
  expected: string,
  read: (value: string) => string | undefined,
  between: ',' | ' ' = ',',
): Kind {
  return {
    shape: 'list',
    placeholder,
    expected: `${expected}, or a list of these`,
    fromText: (value) => value.trim().split(between === ',' ? /\s*,\s*/ : /\s+/),
    check(value) {
      const values: readonly unknown[] = Array.isArray(value) ? value : [value]
      const checked = values.map((one) => (typeof one === 'string' ? read(one) : undefined))
      return checked.includes(undefined) ? undefined : checked
    },
  }
}

const onOff: Kind = {
  shape: 'switch',
  placeholder: '',
  expected: 'true or false',
  fromText: (value) => (value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value),
  check: (value) => (typeof value === 'boolean' ? value : undefined),
}

const object: Kind = {
  shape: 'value',
  placeholder: '',
  expected: 'an object',
  fromText: (value) => value,
  check: (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined),
}

const trusted: Kind = {
  shape: 'value',
  placeholder: 'HOPS|NETWORKS',
  expected: 'a number of hops, or a comma list of addresses and networks such as 10.0.0.0/8',
  fromText: (value) => (/^\d{1,3}$/.test(value) ? Number(value) : value),
  check(value) {
    if (Number.isInteger(value) && inRange(value, 0, 100)) return value
    const networks: readonly unknown[] =
      typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : []
    const checked = networks.map((one) => (typeof one === 'string' ? network(one.trim()) : undefined))
    return checked.length === 0 || checked.includes(undefined) ? undefined : checked
  },
}

const mostWorkers = 256

const processes: Kind = {
  shape: 'value',
  placeholder: 'N|auto',
  expected: `a whole number from 1 to ${mostWorkers}, or auto`,
  fromText: (value) => (/^\d{1,3}$/.test(value) ? Number(value) : value),
  check: (value) =>
    value === 'auto' || (Number.isInteger(value) && inRange(value, 1, mostWorkers)) ? value : undefined,
}

/** The names that Python's logging has for levels, which the original's start scripts use. */
const levels: { readonly [name: string]: string } = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  critical: 'fatal',
  fatal: 'fatal',
  silent: 'silent',
}

const port = whole(0, 65_535, 'PORT')
const secretText = text('SECRET', 'a text that is not empty', (value) => (value.trim() === '' ? undefined : value))
const secretList = list('SECRET', 'a text that is not empty', (value) => (value.trim() === '' ? undefined : value))
const address = text('ADDRESS', 'an address or host name of this machine', (value) =>
  /^[\w.:%-]+$/.test(value) ? value : undefined,
)
const host = text('HOST', 'a host name or address', hostInUrl)
const path = text('PATH', 'a path such as /hookbox', cleanPath)
const file = text('FILE', 'the path of a file', (value) => (value === '' ? undefined : value))
const level = text('LEVEL', 'one of trace, debug, info, warn, error, fatal, silent', (value) => {
  const name = value.toLowerCase()
  return Object.hasOwn(levels, name) ? levels[name] : undefined
})
const webhookName = text('NAME', 'the last part of a path', (value) => (/^[^\s/?#]+$/.test(value) ? value : undefined))
const cookieName = text('NAME', 'the name of a cookie', (value) =>
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value) ? value : undefined,
)
const url = text('URL', 'an http or https URL', webUrl)
const redisUrl = list(
  'URL',
  'a URL that begins with redis://, rediss://, redis+sentinel:// or redis+cluster://',
  (value) => (/^rediss?(\+sentinel|\+cluster)?:\/\/[^\s/]/i.test(value) ? value : undefined),
  // Commas part the servers of one URL.
  ' ',
)
const prefix = text('TEXT', 'a text of at most 64 letters, digits and punctuation marks', (value) =>
  /^[\w.:/-]{1,64}$/.test(value) ? value : undefined,
)
const origin = list('ORIGIN', 'an origin as a browser sends it, such as https://example.org', exactOrigin)

/**
 * Every option, in the order of the help. The names in the file, in the environment and in code follow from the flag:
 * `--cb-create_channel` is `cb_create_channel`, `HOOKBOX_CB_CREATE_CHANNEL` and `cbCreateChannel`.
 */
export const options: readonly Option[] = [
  row('port', port, 8001, 'Where it listens', 'The port for browsers; 0 picks a free one.', {
    short: 'p',
    openMode: true,
  }),
  row('interface', address, undefined, 'Where it listens', 'The address to bind.', {
    short: 'i',
    openMode: true,
    defaultText: '0.0.0.0, or 127.0.0.1 in open mode',
  }),
  row('base-path', path, '', 'Where it listens', 'Everything is served below this path.', { defaultText: '/' }),

  row(
    'open',
    onOff,
    undefined,
    'Who may connect',
    'Admit everyone, without a web application: for trying out and for tests.',
    {
      openMode: true,
      defaultText: 'on while nothing is set but port, interface and log',
    },
  ),
  row(
    'origin',
    origin,
    [],
    'Who may connect',
    'Pages of this origin may connect, besides those on the hub’s own host name.',
    {
      defaultText: '',
    },
  ),
  row(
    'trust-proxy',
    trusted,
    0,
    'Who may connect',
    'Whose X-Forwarded-For and X-Forwarded-Host are believed: the number of proxies in front, or their addresses and networks.',
  ),
  row(
    'linger',
    seconds(86_400),
    15_000,
    'Who may connect',
    'Seconds for which a connection that broke off still counts; 0 switches it off.',
    { defaultText: '15' },
  ),
  row(
    'rate',
    whole(0, 1_000_000),
    100,
    'Who may connect',
    'Frames per second and connection, with a burst of five times that; 0 switches the limit off.',
  ),
  row(
    'compression',
    onOff,
    false,
    'Who may connect',
    'What goes to several pages is compressed, once for all of them, on WebSockets whose browser takes it (permessage-deflate). It saves bytes and costs processor time and, for what browsers then send compressed, memory.',
    { openMode: true },
  ),

  row(
    'snapshot',
    file,
    undefined,
    'Memory',
    'When the hub is stopped it puts away what it knows in this file, and takes it up again, and removes it, when it starts: a planned restart loses nothing.',
    { openMode: true },
  ),
  row(
    'recovery-memory',
    whole(1, 1_048_576, 'MIB'),
    128,
    'Memory',
    'Mebibytes, about, for what pages may have missed in all channels together; beyond it the oldest goes first, and who missed it is told of a gap.',
    { openMode: true },
  ),

  row(
    'redis',
    redisUrl,
    [],
    'More than one machine',
    'Share everything through this Redis (7.0 or newer, or Valkey) with all other hubs that name it: redis://HOST:PORT/DB, redis+sentinel://HOST:PORT,HOST:PORT/MASTER or redis+cluster://HOST:PORT,HOST:PORT. Several share the channels among them.',
    { unshown: true, defaultText: '' },
  ),
  row('redis-prefix', prefix, 'hookbox:', 'More than one machine', 'What all keys in Redis begin with.'),
  row(
    'redis-wait',
    whole(0, 16),
    0,
    'More than one machine',
    'How many replicas must have what is published before it is answered; 0 asks for none.',
  ),
  row(
    'workers',
    processes,
    1,
    'More than one machine',
    'How many processes serve the port together on this machine, each a node of its own; auto starts one for each processor. More than one need --redis.',
    { openMode: true },
  ),
  row(
    'drain',
    seconds(60),
    3_000,
    'More than one machine',
    'Seconds over which a hub that is stopped sends its pages to the others.',
    { defaultText: '3' },
  ),

  row('cbhost', host, 'localhost', 'The web application', 'Its host.', { callback: true }),
  row('cbport', whole(1, 65_535, 'PORT'), 80, 'The web application', 'Its port.', { callback: true }),
  row(
    'cbpath',
    path,
    '/hookbox',
    'The web application',
    'The path of its webhooks, to which each webhook’s name is added.',
    { callback: true },
  ),
  row('cbhttps', onOff, false, 'The web application', 'Call it by https.', { callback: true }),
  row('cbtrailingslash', onOff, false, 'The web application', 'End every webhook’s path with a slash.', {
    callback: true,
  }),
  row('cbsendhookboxversion', onOff, false, 'The web application', 'Send the header X-Hookbox-Version.', {
    callback: true,
  }),
  row(
    'cb-single-url',
    url,
    undefined,
    'The web application',
    'One URL for all webhooks, which the form field action tells apart.',
    { callback: true },
  ),
  row(
    'webhook-secret',
    secretText,
    undefined,
    'The web application',
    'Sent as the form field secret with every webhook.',
    { short: 's', secret: true },
  ),
  row(
    'signing-secret',
    secretList,
    [],
    'The web application',
    'Sign every webhook with this whsec_… secret (Standard Webhooks); several while rotating.',
    { secret: true, defaultText: '' },
  ),
  row('cookie-identifier', cookieName, undefined, 'The web application', 'The only cookie that webhooks carry.', {
    short: 'c',
    defaultText: 'all cookies',
  }),
  row('user_defaults', object, {}, 'The web application', 'An object of user options for everyone.', {
    fileOnly: true,
  }),

  ...(
    [
      'connect',
      'disconnect',
      'create_channel',
      'destroy_channel',
      'subscribe',
      'unsubscribe',
      'publish',
      'message',
    ] as const
  ).map((name) =>
    row(`cb-${name}`, webhookName, name, 'Webhook names', `The name of ${name} in the URL.`, { callback: true }),
  ),

  row(
    'api-security-token',
    secretText,
    undefined,
    'REST',
    'The secret of the REST interface, which is off without one.',
    { short: 'r', secret: true },
  ),
  row('web-api-port', port, undefined, 'REST', 'Serve REST on this port instead of the main one; 0 picks a free one.', {
    short: 'w',
  }),
  row('web-api-interface', address, undefined, 'REST', 'Serve REST on this address instead of the main one.', {
    short: 'W',
  }),
  row(
    'ignore-publish-non-existing-channels',
    onOff,
    false,
    'REST',
    'A publish to a channel that does not exist succeeds and does nothing.',
    { short: 'x' },
  ),
  row(
    'allow-set-config',
    onOff,
    false,
    'REST',
    'Let the REST method set_config change where webhooks go, and the secrets: whoever holds the REST secret could divert every cookie.',
  ),

  row(
    'admin-password',
    secretText,
    undefined,
    'Console',
    'The password of the console at /admin, which is off without one.',
    { short: 'a', secret: true },
  ),
  row(
    'admin-port',
    port,
    undefined,
    'Console',
    'Serve the console on this port alone, instead of the one for browsers; 0 picks a free one.',
  ),
  row('admin-interface', address, undefined, 'Console', 'The address to bind for --admin-port.', {
    defaultText: '127.0.0.1',
  }),

  row(
    'log-level',
    level,
    'info',
    'Log',
    'The least that is logged: trace, debug, info, warn, error, fatal or silent.',
    { short: 'L', openMode: true },
  ),
  row('log-file-errors', file, undefined, 'Log', 'Errors go to this file as well.', { short: 'E', openMode: true }),
  row('log-file-access', file, undefined, 'Log', 'One line for each HTTP request and WebSocket goes to this file.', {
    short: 'A',
    openMode: true,
  }),
]

interface More {
  short?: string
  defaultText?: string
  secret?: boolean
  unshown?: boolean
  openMode?: boolean
  callback?: boolean
  fileOnly?: boolean
}

function row(flag: string, kind: Kind, fallback: unknown, group: Group, help: string, more: More = {}): Option {
  const fileKey = flag.replaceAll('-', '_')
  const shown = fallback === undefined || fallback === false ? '' : String(fallback)
  return {
    key: fileKey.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) as OptionKey,
    flag: more.fileOnly ? undefined : flag,
    short: more.short,
    fileKey,
    variable: more.fileOnly ? undefined : `HOOKBOX_${fileKey.toUpperCase()}`,
    group,
    kind,
    default: fallback,
    defaultText: more.fileOnly ? '' : (more.defaultText ?? shown),
    help,
    secret: more.secret ?? false,
    unshown: more.secret ?? more.unshown ?? false,
    openMode: more.openMode ?? false,
    callback: more.callback ?? false,
  }
}

function inRange(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most
}

/** Without a slash at the end, so that another part can be added; `/` becomes empty. */
function cleanPath(value: string): string | undefined {
  const cleaned = value.replace(/\/$/, '')
  const parts = cleaned.split('/').slice(1)
  const fits = parts.every((part) => /^[\w.~!$&'()*+,;=:@%-]+$/.test(part) && part !== '.' && part !== '..')
  return fits && (cleaned === '' || cleaned.startsWith('/')) ? cleaned : undefined
}

/** As it stands in a URL: an IPv6 address in brackets. */
function hostInUrl(value: string): string | undefined {
  if (ipaddr.IPv6.isValid(value)) return `[${value}]`
  return /^(\[[\da-fA-F:.]+\]|[\w.-]+)$/.test(value) && URL.canParse(`http://${value}/`) ? value : undefined
}

function webUrl(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined
  const { protocol, hash } = new URL(value)
  return (protocol === 'http:' || protocol === 'https:') && hash === '' ? value : undefined
}

/** Apps in a web view have schemes of their own, whose origin `URL` does not tell. */
function exactOrigin(value: string): string | undefined {
  if (value.includes('*')) return undefined
  if (/^https?:/i.test(value)) return URL.canParse(value) && new URL(value).origin === value ? value : undefined
  return /^[a-z][a-z\d+.-]*:\/\/[^\s/?#]+$/.test(value) ? value : undefined
}

/** Four decimal parts only: what else passes for IPv4 (`1`, `0x7f.1`) is more likely a slip. */
function network(value: string): string | undefined {
  const [base = '', bits] = value.split('/', 2)
  if (!ipaddr.IPv4.isValidFourPartDecimal(base) && !ipaddr.IPv6.isValid(base)) return undefined
  if (bits === undefined) return `${value}/${base.includes(':') ? 128 : 32}`
  return ipaddr.isValidCIDR(value) ? value : undefined
}
