import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { help } from '../../src/config/help.ts'
import { type Loaded, load, loadOptions } from '../../src/config/load.ts'
import { type HookboxOptions, options } from '../../src/config/options.ts'

/** For each option a value that is not its default, as text and as a value, and what the hub has of it then. */
const given: {
  readonly [K in keyof HookboxOptions]-?: readonly [text: string, value: unknown, seen: (config: Config) => unknown]
} = {
  port: ['9000', 9000, ({ port }) => port],
  interface: ['127.0.0.2', '127.0.0.2', (config) => config.interface],
  basePath: ['/live', '/live', ({ basePath }) => basePath],
  open: ['true', true, ({ open }) => open],
  origin: ['https://example.org', ['https://example.org'], ({ origins }) => origins],
  trustProxy: ['2', 2, ({ trustProxy }) => trustProxy],
  compression: ['true', true, ({ compression }) => compression],
  snapshot: ['/tmp/hub.snapshot', '/tmp/hub.snapshot', ({ snapshot }) => snapshot],
  recoveryMemory: ['64', 64, ({ recoveryMemory }) => recoveryMemory / 1_048_576],
  redis: ['redis://one', ['redis://one'], ({ redis }) => redis?.urls],
  redisPrefix: ['ours:', 'ours:', ({ redis }) => redis?.prefix ?? 'ours:'],
  redisWait: ['1', 1, ({ redis }) => redis?.wait ?? 1],
  // More than one need Redis; `test/config/load.test.ts` has them.
  workers: ['1', 1, ({ workers }) => workers],
  drain: ['7', 7, ({ drain }) => drain / 1_000],
  linger: ['3', 3, ({ linger }) => linger / 1_000],
  rate: ['7', 7, ({ rate }) => rate],
  cbhost: ['app', 'app', ({ webhooks }) => webhooks.host],
  cbport: ['8080', 8080, ({ webhooks }) => webhooks.port],
  cbpath: ['/hooks', '/hooks', ({ webhooks }) => webhooks.path],
  cbhttps: ['true', true, ({ webhooks }) => webhooks.https],
  cbtrailingslash: ['true', true, ({ webhooks }) => webhooks.trailingSlash],
  cbsendhookboxversion: ['true', true, ({ webhooks }) => webhooks.sendVersion],
  cbSingleUrl: ['http://app/hook', 'http://app/hook', ({ webhooks }) => webhooks.singleUrl],
  cbConnect: ['a', 'a', ({ webhooks }) => webhooks.names.connect],
  cbDisconnect: ['b', 'b', ({ webhooks }) => webhooks.names.disconnect],
  cbCreateChannel: ['c', 'c', ({ webhooks }) => webhooks.names.create_channel],
  cbDestroyChannel: ['d', 'd', ({ webhooks }) => webhooks.names.destroy_channel],
  cbSubscribe: ['e', 'e', ({ webhooks }) => webhooks.names.subscribe],
  cbUnsubscribe: ['f', 'f', ({ webhooks }) => webhooks.names.unsubscribe],
  cbPublish: ['g', 'g', ({ webhooks }) => webhooks.names.publish],
  cbMessage: ['h', 'h', ({ webhooks }) => webhooks.names.message],
  webhookSecret: ['a secret', 'a secret', ({ webhookSecret }) => webhookSecret],
  signingSecret: ['whsec_YQ==', ['whsec_YQ=='], ({ signingSecrets }) => signingSecrets],
  cookieIdentifier: ['session', 'session', ({ cookieIdentifier }) => cookieIdentifier],
  userDefaults: ['', { reflective: false }, ({ userDefaults }) => userDefaults],
  apiSecurityToken: ['a secret', 'a secret', ({ apiSecurityToken }) => apiSecurityToken],
  adminPassword: ['a password', 'a password', ({ adminPassword }) => adminPassword],
  adminPort: ['9002', 9002, ({ adminPort }) => adminPort],
  adminInterface: ['127.0.0.4', '127.0.0.4', ({ adminInterface }) => adminInterface],
  webApiPort: ['9001', 9001, ({ webApiPort }) => webApiPort],
  webApiInterface: ['127.0.0.3', '127.0.0.3', ({ webApiInterface }) => webApiInterface],
  ignorePublishNonExistingChannels: ['true', true, (config) => config.ignorePublishNonExistingChannels],
  allowSetConfig: ['true', true, ({ allowSetConfig }) => allowSetConfig],
  logLevel: ['debug', 'debug', ({ log }) => log.level],
  logFileErrors: ['errors.log', 'errors.log', ({ log }) => log.errorFile],
  logFileAccess: ['access.log', 'access.log', ({ log }) => log.accessFile],
}

describe.each(
  options.map((option) => [option.flag === undefined ? option.fileKey : `--${option.flag}`, option] as const),
)('%s', (name, option) => {
  const [text, value, seen] = given[option.key]
  const noFile = () => {
    throw new Error('no file was named')
  }

  function configOf(command: ReturnType<typeof load>): Config {
    return (command as Loaded).config
  }

  test('is set in the file of --config, and by code', () => {
    const file = () => JSON.stringify({ [option.fileKey]: value })
    expect(seen(configOf(load(['--config', 'hookbox.json'], {}, file)))).toEqual(value)
    expect(seen(loadOptions({ [option.key]: value }).config)).toEqual(value)
  })

  if (option.flag !== undefined) {
    const flags = option.kind.shape === 'switch' ? [name] : [name, text]
    test('is set on the command line, long and short', () => {
      expect(seen(configOf(load(flags, {}, noFile)))).toEqual(value)
      if (option.short !== undefined) {
        expect(seen(configOf(load([`-${option.short}`, ...flags.slice(1)], {}, noFile)))).toEqual(value)
      }
    })

    test('is set in the environment, which the command line overrules and which overrules the file', () => {
      const variable = `HOOKBOX_${option.fileKey.toUpperCase()}`
      expect(seen(configOf(load([], { [variable]: text }, noFile)))).toEqual(value)
      // The default stands in the file; a default that cannot be written is left out.
      const file = () => JSON.stringify({ [option.fileKey]: option.kind.shape === 'switch' ? false : value })
      expect(seen(configOf(load(['--config', 'f'], { [variable]: text }, file)))).toEqual(value)
      if (option.kind.shape === 'switch') {
        expect(seen(configOf(load(flags, { [variable]: 'false' }, noFile)))).toEqual(value)
      }
    })

    test('stands in --help', () => {
      expect(help()).toContain(name)
    })
  }
})
