import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { type Loaded, load, loadOptions } from '../../src/config/load.ts'
import type { HookboxOptions } from '../../src/config/options.ts'

interface Sources {
  flags?: readonly string[]
  environment?: { readonly [name: string]: string }
  file?: unknown
}

/** The file is a text as it stands, or anything else as JSON. */
function loaded({ flags = [], environment = {}, file }: Sources): Loaded {
  const withFile = file === undefined ? flags : ['--config', 'hub.json', ...flags]
  const command = load(withFile, environment, () => (typeof file === 'string' ? file : JSON.stringify(file)))
  if (typeof command === 'string') throw new Error(`came to ${command}`)
  return command
}

function config(sources: Sources): Config {
  return loaded(sources).config
}

test('what nobody set has its default', () => {
  expect(config({ flags: ['--cbport', '80'] })).toEqual({
    port: 8001,
    interface: '0.0.0.0',
    basePath: '',
    webApiPort: undefined,
    webApiInterface: undefined,
    apiSecurityToken: undefined,
    adminPassword: undefined,
    adminPort: undefined,
    adminInterface: '127.0.0.1',
    webhookSecret: undefined,
    signingSecrets: [],
    cookieIdentifier: undefined,
    ignorePublishNonExistingChannels: false,
    allowSetConfig: false,
    open: false,
    checkHost: false,
    origins: [],
    trustProxy: 0,
    linger: 15_000,
    rate: 100,
    recoveryMemory: 134_217_728,
    compression: false,
    snapshot: undefined,
    redis: undefined,
    workers: 1,
    drain: 3_000,
    userDefaults: {},
    webhooks: {
      host: 'localhost',
      port: 80,
      path: '/hookbox',
      https: false,
      trailingSlash: false,
      sendVersion: false,
      singleUrl: undefined,
      names: {
        connect: 'connect',
        disconnect: 'disconnect',
        create_channel: 'create_channel',
        destroy_channel: 'destroy_channel',
        subscribe: 'subscribe',
        unsubscribe: 'unsubscribe',
        publish: 'publish',
        message: 'message',
      },
      timeout: 5_000,
    },
    log: { level: 'info', errorFile: undefined, accessFile: undefined },
  })
})

test('a flag goes before the environment, the environment before the file, the file before the default', () => {
  const file = { port: 1, rate: 1, linger: 1, cbhost: 'file' }
  const environment = { HOOKBOX_PORT: '2', HOOKBOX_RATE: '2' }
  const { port, rate, linger, webhooks } = config({ flags: ['--port', '3'], environment, file })
  expect([port, rate, linger, webhooks.host, webhooks.port]).toEqual([3, 2, 1_000, 'file', 80])
})

test('the file can be named in the environment', () => {
  const command = load([], { HOOKBOX_CONFIG: 'named.json' }, (file) => `{"cbhost":"${file}"}`)
  expect(command).toMatchObject({ config: { webhooks: { host: 'named.json' } } })
})

const long = 'x'.repeat(24)

test.each<{ flags: string[]; sets: (config: Config) => unknown; to: unknown }>([
  { flags: ['-p', '9000'], sets: (c) => c.port, to: 9000 },
  { flags: ['--port=9000'], sets: (c) => c.port, to: 9000 },
  { flags: ['-i', '10.0.0.1'], sets: (c) => c.interface, to: '10.0.0.1' },
  { flags: ['-r', long], sets: (c) => c.apiSecurityToken, to: long },
  { flags: ['--api-security-token', long], sets: (c) => c.apiSecurityToken, to: long },
  { flags: ['-s', long], sets: (c) => c.webhookSecret, to: long },
  { flags: ['--webhook-secret', long], sets: (c) => c.webhookSecret, to: long },
  { flags: ['-c', 'sessionid'], sets: (c) => c.cookieIdentifier, to: 'sessionid' },
  { flags: ['--cookie-identifier', 'sessionid'], sets: (c) => c.cookieIdentifier, to: 'sessionid' },
  { flags: ['-w', '8002'], sets: (c) => c.webApiPort, to: 8002 },
  { flags: ['--web-api-port', '8002'], sets: (c) => c.webApiPort, to: 8002 },
  { flags: ['-W', '127.0.0.1'], sets: (c) => c.webApiInterface, to: '127.0.0.1' },
  { flags: ['--web-api-interface', '127.0.0.1'], sets: (c) => c.webApiInterface, to: '127.0.0.1' },
  { flags: ['-x'], sets: (c) => c.ignorePublishNonExistingChannels, to: true },
  {
    flags: ['--ignore-publish-non-existing-channels'],
    sets: (c) => c.ignorePublishNonExistingChannels,
    to: true,
  },
  { flags: ['--cbhost', 'app.example'], sets: (c) => c.webhooks.host, to: 'app.example' },
  { flags: ['--cbhost', '::1'], sets: (c) => c.webhooks.host, to: '[::1]' },
  { flags: ['--cbport', '3000'], sets: (c) => c.webhooks.port, to: 3000 },
  { flags: ['--cbpath', '/a/b'], sets: (c) => c.webhooks.path, to: '/a/b' },
  { flags: ['--cbpath', '/a/'], sets: (c) => c.webhooks.path, to: '/a' },
  { flags: ['--cbhttps'], sets: (c) => c.webhooks.https, to: true },
  { flags: ['--cbtrailingslash'], sets: (c) => c.webhooks.trailingSlash, to: true },
  { flags: ['--cbsendhookboxversion'], sets: (c) => c.webhooks.sendVersion, to: true },
  { flags: ['--cb-connect', 'in'], sets: (c) => c.webhooks.names.connect, to: 'in' },
  { flags: ['--cb-disconnect', 'out'], sets: (c) => c.webhooks.names.disconnect, to: 'out' },
  { flags: ['--cb-create_channel', 'new'], sets: (c) => c.webhooks.names.create_channel, to: 'new' },
  { flags: ['--cb-destroy_channel', 'old'], sets: (c) => c.webhooks.names.destroy_channel, to: 'old' },
  { flags: ['--cb-subscribe', 'a'], sets: (c) => c.webhooks.names.subscribe, to: 'a' },
  { flags: ['--cb-unsubscribe', 'b'], sets: (c) => c.webhooks.names.unsubscribe, to: 'b' },
  { flags: ['--cb-publish', 'c'], sets: (c) => c.webhooks.names.publish, to: 'c' },
  { flags: ['--cb-message', 'd'], sets: (c) => c.webhooks.names.message, to: 'd' },
  { flags: ['--cb-single-url', 'http://a/b.php'], sets: (c) => c.webhooks.singleUrl, to: 'http://a/b.php' },
  { flags: ['-L', 'debug'], sets: (c) => c.log.level, to: 'debug' },
  { flags: ['--log-level', 'WARNING'], sets: (c) => c.log.level, to: 'warn' },
  { flags: ['-E', '/tmp/e.log'], sets: (c) => c.log.errorFile, to: '/tmp/e.log' },
  { flags: ['--log-file-errors', '/tmp/e.log'], sets: (c) => c.log.errorFile, to: '/tmp/e.log' },
  { flags: ['-A', '/tmp/a.log'], sets: (c) => c.log.accessFile, to: '/tmp/a.log' },
  { flags: ['--log-file-access', '/tmp/a.log'], sets: (c) => c.log.accessFile, to: '/tmp/a.log' },
  { flags: ['--origin', 'https://a.example'], sets: (c) => c.origins, to: ['https://a.example'] },
  {
    flags: ['--origin', 'https://a.example', '--origin', 'capacitor://localhost'],
    sets: (c) => c.origins,
    to: ['https://a.example', 'capacitor://localhost'],
  },
  { flags: ['--trust-proxy', '2'], sets: (c) => c.trustProxy, to: 2 },
  {
    flags: ['--trust-proxy', '10.0.0.0/8, ::1'],
    sets: (c) => c.trustProxy,
    to: ['10.0.0.0/8', '::1/128'],
  },
  { flags: ['--base-path', '/rt'], sets: (c) => c.basePath, to: '/rt' },
  { flags: ['--base-path', '/'], sets: (c) => c.basePath, to: '' },
  { flags: ['--linger', '0.5'], sets: (c) => c.linger, to: 500 },
  {
    flags: ['--signing-secret', long, '--signing-secret', `${long}2`],
    sets: (c) => c.signingSecrets,
    to: [long, `${long}2`],
  },
  { flags: ['--rate', '0'], sets: (c) => c.rate, to: 0 },
  { flags: ['-xp', '9000'], sets: (c) => c.port, to: 9000 },
])('$flags', ({ flags, sets, to }) => {
  expect(sets(config({ flags }))).toEqual(to)
})

test('lists are separated by commas in the environment and are lists in the file', () => {
  const origins = ['https://a.example', 'https://b.example:8443']
  expect(config({ environment: { HOOKBOX_ORIGIN: origins.join(', ') } }).origins).toEqual(origins)
  expect(config({ file: { origin: origins } }).origins).toEqual(origins)
  expect(config({ file: { origin: origins[0] } }).origins).toEqual(origins.slice(0, 1))
  expect(config({ file: { trust_proxy: ['10.0.0.0/8'] } }).trustProxy).toEqual(['10.0.0.0/8'])
})

test.each(['true', '1'])('a switch is on in the environment by %s', (text) => {
  expect(config({ environment: { HOOKBOX_CBHTTPS: text } }).webhooks.https).toBe(true)
})

test.each(['false', '0'])('a switch is off in the environment by %s', (text) => {
  expect(config({ environment: { HOOKBOX_CBHTTPS: text } }).webhooks.https).toBe(false)
})

test('user_defaults come from the file as they are', () => {
  expect(config({ file: { user_defaults: { reflective: 'anything' } } }).userDefaults).toEqual({
    reflective: 'anything',
  })
})

test.each<{ sources: Sources; says: string }>([
  { sources: { flags: ['--port', 'abc'] }, says: '--port: expected a whole number from 0 to 65535, got "abc"' },
  { sources: { flags: ['-p', '70000'] }, says: '-p: expected a whole number from 0 to 65535, got "70000"' },
  { sources: { flags: ['--port', '1e3'] }, says: '--port: expected a whole number from 0 to 65535, got "1e3"' },
  { sources: { flags: ['--port'] }, says: '--port: expected a whole number from 0 to 65535, got nothing' },
  {
    sources: { flags: ['-s', '--open'] },
    says: '-s: expected a text that is not empty; write a value that begins with a dash as --webhook-secret=…',
  },
  { sources: { flags: ['--prot', '1'] }, says: '--prot: no option has this name; hookbox --help lists them' },
  {
    sources: { flags: ['--cb-create-channel', 'x'] },
    says: '--cb-create-channel: no option has this name; hookbox --help lists them',
  },
  {
    sources: { flags: ['--user_defaults', '{}'] },
    says: '--user_defaults: no option has this name; hookbox --help lists them',
  },
  { sources: { flags: ['-z'] }, says: '-z: no option has this name; hookbox --help lists them' },
  { sources: { flags: ['chat'] }, says: '"chat": expected options, or a command as the first word' },
  { sources: { flags: ['--open=yes'] }, says: '--open: expected no value, got "yes"' },
  { sources: { flags: ['--config'] }, says: '--config: expected the path of a file, got nothing' },
  {
    sources: { environment: { HOOKBOX_PROT: '1' } },
    says: 'HOOKBOX_PROT: no option has this name; hookbox --help lists them',
  },
  {
    sources: { environment: { HOOKBOX_PORT: '' } },
    says: 'HOOKBOX_PORT: expected a whole number from 0 to 65535, got ""',
  },
  { sources: { environment: { HOOKBOX_CBHTTPS: 'on' } }, says: 'HOOKBOX_CBHTTPS: expected true or false, got "on"' },
  { sources: { file: { prot: 1 } }, says: 'hub.json: prot: no option has this name' },
  { sources: { file: '{"__proto__": 1}' }, says: 'hub.json: __proto__: no option has this name' },
  {
    sources: { file: { port: '8001' } },
    says: 'hub.json: port: expected a whole number from 0 to 65535, got "8001"',
  },
  { sources: { file: [] }, says: 'hub.json: expected an object, got []' },
  { sources: { file: { user_defaults: [] } }, says: 'hub.json: user_defaults: expected an object, got []' },
  {
    sources: { flags: ['--origin', 'https://a.example/'] },
    says: '--origin: expected an origin as a browser sends it, such as https://example.org, or a list of these, got "https://a.example/"',
  },
  { sources: { flags: ['--linger=-1'] }, says: '--linger: expected a number of seconds from 0 to 86400, got "-1"' },
  {
    sources: { flags: ['--log-level', 'loud'] },
    says: '--log-level: expected one of trace, debug, info, warn, error, fatal, silent, got "loud"',
  },
])('$says', ({ sources, says }) => {
  expect(() => loaded(sources)).toThrow(expect.objectContaining({ name: 'ConfigError', message: says }))
})

test.each([
  ['--origin', '*'],
  ['--origin', 'null'],
  ['--origin', 'https://*.example.org'],
  ['--origin', 'HTTPS://a.example'],
  ['--origin', 'https://a.example:443'],
  ['--trust-proxy', '10.0.0.0/33'],
  ['--trust-proxy', 'proxy.example'],
  ['--trust-proxy', '10.1'],
  ['--base-path', 'rt'],
  ['--base-path', '/a/../b'],
  ['--base-path', '/a?b'],
  ['--base-path', '//a'],
  ['--cbhost', 'a.example:80'],
  ['--cbhost', 'a.example/x'],
  ['--cbhost', 'user@a.example'],
  ['--cbport', '0'],
  ['--cb-single-url', 'ftp://a/'],
  ['--cb-single-url', '/relative'],
  ['--cb-publish', ''],
  ['--cookie-identifier', 'a=b'],
  ['--interface', ''],
  ['--log-file-errors', ''],
])('%s refuses %j', (flag, value) => {
  expect(() => loaded({ flags: [`${flag}=${value}`] })).toThrow(`${flag}: expected`)
})

test('a file that cannot be read or is no JSON says so', () => {
  expect(() => load(['--config', '/nowhere/hub.json'], {})).toThrow(/^\/nowhere\/hub.json: cannot be read, ENOENT/)
  expect(() => loaded({ file: '{' })).toThrow(/^hub.json: expected JSON, /)
})

test.each([['--webhook-secret'], ['--api-security-token'], ['--signing-secret']])('%s is not to be empty', (flag) => {
  expect(() => loaded({ flags: [`${flag}=`] })).toThrow(`${flag}: expected a text that is not empty`)
})

test('no message shows a secret', () => {
  expect(() => loaded({ file: { webhook_secret: 12345 } })).toThrow(
    expect.objectContaining({ message: 'hub.json: webhook_secret: expected a text that is not empty' }),
  )
})

test('short secrets are warned about, each by the name it was set by', () => {
  const { warnings } = loaded({
    flags: ['-s', 'short', '--signing-secret', long, '--signing-secret', 'short'],
    environment: { HOOKBOX_API_SECURITY_TOKEN: 'short' },
  })
  expect(warnings.toSorted()).toEqual([
    '--signing-secret: a secret of less than 24 bytes can be guessed',
    '-s: a secret of less than 24 bytes can be guessed',
    'HOOKBOX_API_SECURITY_TOKEN: a secret of less than 24 bytes can be guessed',
  ])
  expect(loaded({ flags: ['-s', long] }).warnings).toEqual([])
})

test.each<{ name: string; sources: Sources; open: boolean; on: string; checkHost: boolean }>([
  { name: 'nothing set', sources: {}, open: true, on: '127.0.0.1', checkHost: true },
  {
    name: 'port, interface and log only',
    sources: { flags: ['-p', '1', '-i', '0.0.0.0', '-L', 'warn', '-E', 'e', '-A', 'a'] },
    open: true,
    on: '0.0.0.0',
    checkHost: true,
  },
  {
    name: 'the same in the environment and the file',
    sources: { environment: { HOOKBOX_PORT: '1' }, file: { log_level: 'warn' } },
    open: true,
    on: '127.0.0.1',
    checkHost: true,
  },
  { name: '--open', sources: { flags: ['--open'] }, open: true, on: '127.0.0.1', checkHost: true },
  {
    name: '--open and -i',
    sources: { flags: ['--open', '-i', '0.0.0.0'] },
    open: true,
    on: '0.0.0.0',
    checkHost: false,
  },
  {
    name: '--open with what is no callback option',
    sources: { flags: ['--open', '--linger', '0', '-r', long] },
    open: true,
    on: '127.0.0.1',
    checkHost: true,
  },
  { name: 'a callback option', sources: { flags: ['--cbport', '3000'] }, open: false, on: '0.0.0.0', checkHost: false },
  {
    name: 'any other option in the environment',
    sources: { environment: { HOOKBOX_LINGER: '1' } },
    open: false,
    on: '0.0.0.0',
    checkHost: false,
  },
  {
    name: 'any other option in the file',
    sources: { file: { rate: 1 } },
    open: false,
    on: '0.0.0.0',
    checkHost: false,
  },
  {
    name: 'a default set by hand',
    sources: { flags: ['--cbhost', 'localhost'] },
    open: false,
    on: '0.0.0.0',
    checkHost: false,
  },
  { name: 'open: false in the file', sources: { file: { open: false } }, open: false, on: '0.0.0.0', checkHost: false },
])('open mode: $name', ({ sources, open, on, checkHost }) => {
  expect(config(sources)).toMatchObject({ open, interface: on, checkHost })
})

test('--open goes with no callback option, from whatever source', () => {
  expect(() => loaded({ flags: ['--open'], environment: { HOOKBOX_CBPORT: '3000' } })).toThrow(
    '--open: everyone is admitted without webhooks, so it cannot go with HOOKBOX_CBPORT',
  )
  expect(() => loaded({ flags: ['--open'], file: { cb_single_url: 'http://a/' } })).toThrow(
    '--open: everyone is admitted without webhooks, so it cannot go with hub.json: cb_single_url',
  )
})

test.each([
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
])('%s asks to be told something only', (flag, command) => {
  expect(load([flag, '--whatever'], {})).toBe(command)
})

test('a hub inside a Node server is set by camelCase keys', () => {
  const given: HookboxOptions = { cbCreateChannel: 'new', linger: 2, origin: ['https://a.example'], trustProxy: 1 }
  const { config } = loadOptions(given, { basePath: '/hookbox' })
  expect(config).toMatchObject({ linger: 2_000, origins: ['https://a.example'], trustProxy: 1, basePath: '/hookbox' })
  expect(config.webhooks.names.create_channel).toBe('new')
  expect(loadOptions({ basePath: '/rt' }, { basePath: '/hookbox' }).config.basePath).toBe('/rt')
})

test('its errors name the camelCase key', () => {
  expect(() => loadOptions({ cbCreateChannel: '' })).toThrow(
    'cbCreateChannel: expected the last part of a path, got ""',
  )
  expect(() => loadOptions({ cbcreatechannel: 'x' } as HookboxOptions)).toThrow(
    'cbcreatechannel: no option has this name',
  )
})

test('callbacks given as functions rule open mode out', () => {
  expect(loadOptions({}).config.open).toBe(true)
  expect(loadOptions({}, { callbacks: true }).config).toMatchObject({ open: false, interface: '0.0.0.0' })
  expect(() => loadOptions({ open: true }, { callbacks: true })).toThrow('it cannot go with callbacks')
})

test('variables that others set beside a hub are passed over', () => {
  const environment = {
    HOOKBOX_BIN: 'cli.js',
    HOOKBOX_SERVICE_HOST: '10.0.0.1',
    HOOKBOX_PORT_8001_TCP: 'tcp://10.0.0.1:8001',
  }
  expect(loaded({ environment }).config.open).toBe(true)
})

test('browsers and the REST interface cannot have the same port of the same address', () => {
  expect(() => loaded({ flags: ['-p', '9000', '--web-api-port', '9000'] })).toThrow(
    '--web-api-port: expected another port than that for browsers, got 9000 for both',
  )
  expect(loaded({ flags: ['-i', '127.0.0.1', '-p', '9000', '-w', '9000', '-W', '127.0.0.2'] }).config.port).toBe(9000)
})

test.each([
  { name: 'browsers', flags: ['-p', '9000', '--admin-port', '9000'], other: 'that for browsers' },
  {
    name: 'the REST interface',
    flags: ['-w', '9000', '-W', '127.0.0.1', '--admin-port', '9000'],
    other: 'that of REST',
  },
])('the console cannot have the same port of the same address as $name', ({ flags, other }) => {
  expect(() => loaded({ flags })).toThrow(`--admin-port: expected another port than ${other}, got 9000 for both`)
  expect(loaded({ flags: [...flags, '--admin-interface', '127.0.0.2', '-i', '127.0.0.3'] }).config.adminPort).toBe(9000)
})

test('several Redis URLs are parted by spaces in the environment, as commas part the servers of one', () => {
  const urls = ['redis+sentinel://a:1,b:2/main', 'redis://c:3/1']
  expect(config({ environment: { HOOKBOX_REDIS: urls.join('  ') } }).redis).toEqual({
    urls,
    prefix: 'hookbox:',
    wait: 0,
  })
  expect(config({ flags: urls.map((url) => `--redis=${url}`) }).redis?.urls).toEqual(urls)
})

test('a Redis URL is never shown, as it may hold a password', () => {
  const wrong = () => loaded({ flags: ['--redis', 'http://ann:hush@app'] })
  expect(wrong).toThrow(/^--redis: expected a URL that begins with redis:\/\//)
  expect(wrong).not.toThrow('hush')
})

test('a snapshot is of a memory of its own, which a hub with Redis has not', () => {
  const both = () => loaded({ flags: ['--redis', 'redis://one', '--snapshot', 'hub.snapshot'] })
  expect(both).toThrow('--snapshot: with Redis a hub has no memory of its own')
})

test('workers are set like everything else, and auto is one for each processor', () => {
  const redis = 'redis://one'
  expect(config({ flags: ['--workers', '3', '--redis', redis] }).workers).toBe(3)
  expect(config({ environment: { HOOKBOX_WORKERS: '3', HOOKBOX_REDIS: redis } }).workers).toBe(3)
  expect(config({ file: { workers: 3, redis } }).workers).toBe(3)
  for (const auto of [{ flags: ['--workers', 'auto'] }, { file: { workers: 'auto' } }]) {
    expect(config({ ...auto, environment: { HOOKBOX_REDIS: redis } }).workers).toBe(availableParallelism())
  }
})

test('one worker is a hub as ever: it needs no Redis, and leaves open mode alone', () => {
  expect(config({ flags: ['--workers', '1', '--snapshot', 'hub.snapshot'] })).toMatchObject({ workers: 1, open: true })
})

test('where workers are set is named', () => {
  expect(() => config({ environment: { HOOKBOX_WORKERS: '2' } })).toThrow(/^HOOKBOX_WORKERS: expected --redis as well/)
  expect(() => config({ file: { workers: 'auto' } })).toThrow(
    /: workers: expected --redis as well, got "auto" without it/,
  )
})

test('a hub inside a Node server is one node', () => {
  const several = () => loadOptions({ workers: 2, redis: 'redis://one' })
  expect(several).toThrow(/^workers: expected 1, got 2, as only the command starts processes/)
  expect(loadOptions({ workers: 1 }).config.workers).toBe(1)
})
