import { quote } from '@hookbox/protocol'
import { systemClock } from '../clock.ts'
import type { CommandHelp } from '../config/help.ts'
import type { Given } from '../config/load.ts'
import { ConfigError } from '../config/options.ts'
import { version } from '../config/version.ts'
import { askOnce } from '../probe/ask-once.ts'
import { playedOf } from '../probe/played.ts'
import type { WebhookName } from '../webhooks/callbacks.ts'
import { concealer } from '../webhooks/conceal.ts'
import { isWebhookName, readWebhookFields, webhookFields } from '../webhooks/fields.ts'
import type { Command } from './command.ts'
import { show } from './output.ts'
import { checked, cookiesOf } from './own.ts'
import { exits } from './run-command.ts'

/** `hookbox probe`: one webhook as a hub makes it, and what a hub would do with the reply. */
export const probe: Command = {
  page: {
    usage: 'probe WEBHOOK [FIELD=VALUE …] [options]',
    about: [
      'Sends one webhook to your application as a hub with the same options would, and prints what the hub would do now. A payload is JSON text. What a hub makes up, as conn_id, may be left out. The call carries the header X-Hookbox-Probe: probe.',
    ],
    words: { title: 'Webhooks and their fields', rows: Object.entries(webhookFields).map(fieldsRow) },
    flags: [
      { flag: 'cookie', placeholder: 'COOKIES', help: 'The cookies of whoever acts, as session=…; repeatable.' },
      { flag: 'json', help: 'Print one line of JSON on a terminal, too.' },
    ],
    exits: {
      0: 'It is allowed.',
      1: 'It is refused.',
      2: 'A field or an option is wrong.',
      3: 'It is a fault: what came is no reply, or nothing came.',
    },
    examples: [
      'hookbox probe connect --cbport 3000 --cookie "session=$SESSION"',
      `hookbox probe publish channel_name=chat payload='"hi"' originator=ann --config hub.json`,
    ],
  },

  async run(given, terminal) {
    const { config, own } = given
    if (config.open)
      throw new ConfigError('there is no application to ask in open mode; give --cbhost, --cbport or --config')
    const name = webhookOf(given)
    const fields = checked(() => readWebhookFields(name, fieldsOf(given)))
    const cookies = cookiesOf(given)
    const asking = { ...config, version, probe: 'probe', address: '127.0.0.1', clock: systemClock }
    const asked = await askOnce(asking, name, fields, cookies)
    const { cookies: _, pageCookies, ...played } = playedOf(asked)
    const hide = concealer([config.webhookSecret, ...config.signingSecrets], cookies)
    for (const warning of asked.warnings) terminal.stderr.write(`${warning}\n`)
    const set = [...asked.setCookies.told, ...asked.setCookies.kept].map((line) => line.split('=', 1)[0])
    const told = { webhook: name, ...played, ...(set.length > 0 && { set_cookies: set }) }
    show(terminal, { value: told, json: own.has('json'), hide })
    return { allowed: exits.done, refused: exits.no, fault: exits.fault }[played.outcome]
  },
}

function fieldsRow([name, fields]: [string, (typeof webhookFields)[WebhookName]]): CommandHelp {
  const words = Object.entries(fields).map(([field, { fallback }]) => (fallback === undefined ? field : `[${field}]`))
  return { usage: name, help: words.join(' ') }
}

/** @throws ConfigError */
function webhookOf({ positionals: [name] }: Given): WebhookName {
  if (name !== undefined && isWebhookName(name)) return name
  const got = name === undefined ? 'nothing' : quote(name)
  throw new ConfigError(`expected one of ${Object.keys(webhookFields).join(', ')}, got ${got}`)
}

/** @throws ConfigError */
function fieldsOf({ positionals: [, ...pairs] }: Given): { [field: string]: string } {
  const fields: { [field: string]: string } = Object.create(null)
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    const field = pair.slice(0, at)
    if (at < 1) throw new ConfigError(`${quote(pair)}: expected field=value`)
    if (field in fields) throw new ConfigError(`${field}: given twice`)
    fields[field] = pair.slice(at + 1)
  }
  return fields
}
