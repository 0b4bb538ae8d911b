import type { Config, WebhookConfig } from './config.ts'
import { ConfigError, options } from './options.ts'

type Change = (config: Config, value: never) => Config

const webhooks =
  <K extends keyof WebhookConfig>(key: K) =>
  (config: Config, value: WebhookConfig[K]): Config => ({ ...config, webhooks: { ...config.webhooks, [key]: value } })

/** What can be changed while a hub runs, by its key in the file of `--config` (contract: `set_config`). */
const changeable: ReadonlyMap<string, Change> = new Map<string, Change>([
  ['cbhost', webhooks('host')],
  ['cbport', webhooks('port')],
  ['cbpath', webhooks('path')],
  ['cbhttps', webhooks('https')],
  ['cbtrailingslash', webhooks('trailingSlash')],
  ['cbsendhookboxversion', webhooks('sendVersion')],
  ['cb_single_url', webhooks('singleUrl')],
  ...options
    .filter(({ group }) => group === 'Webhook names')
    .map(({ fileKey, default: name }): [string, Change] => [fileKey, webhookName(String(name))]),
  ['admin_password', (config, adminPassword: string) => ({ ...config, adminPassword })],
  ['webhook_secret', (config, webhookSecret: string) => ({ ...config, webhookSecret })],
  ['api_security_token', (config, apiSecurityToken: string) => ({ ...config, apiSecurityToken })],
])

/**
 * The configuration after changes, all or nothing.
 *
 * @throws ConfigError naming the key that is unknown or wrong
 */
export function changeConfig(config: Config, changes: { readonly [key: string]: unknown }): Config {
  let next = config
  for (const [key, value] of Object.entries(changes)) {
    const option = options.find(({ fileKey }) => fileKey === key)
    const change = changeable.get(key)
    if (!option || !change) {
      throw new ConfigError(`${key}: cannot be changed; expected one of ${[...changeable.keys()].join(', ')}`)
    }
    const checked = option.kind.check(value)
    // What was given is not shown: it may be a secret that was put under a wrong key.
    if (checked === undefined) throw new ConfigError(`${key}: expected ${option.kind.expected}`)
    next = change(next, checked as never)
  }
  return next
}

function webhookName(name: string): Change {
  return (config, value: string) => {
    const names = { ...config.webhooks.names, [name]: value }
    return { ...config, webhooks: { ...config.webhooks, names } }
  }
}
