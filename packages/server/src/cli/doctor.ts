import { styleText } from 'node:util'
import { channelName, jsonText, quote, userName } from '@hookbox/protocol'
import { systemClock } from '../clock.ts'
import type { Given } from '../config/load.ts'
import { ConfigError } from '../config/options.ts'
import { type Examination, examine, needsChannel } from '../doctor/examine.ts'
import type { Finding } from '../doctor/finding.ts'
import { placeOf } from '../doctor/place.ts'
import { printable } from '../printable.ts'
import { concealer } from '../webhooks/conceal.ts'
import { isWebhookName, webhookFields } from '../webhooks/fields.ts'
import type { Command } from './command.ts'
import { checked, cookiesOf, lastOf, noWords } from './own.ts'
import type { Terminal } from './run.ts'
import { exits } from './run-command.ts'

/** `hookbox doctor`: what is right and wrong between this hub and its application. */
export const doctor: Command = {
  page: {
    usage: 'doctor [options]',
    about: [
      'Asks the connect webhook of your application as a hub with the same options would, and says in plain sentences what is right and what is wrong, and how to mend it. The question carries the header X-Hookbox-Probe: doctor.',
      'With --cookie it is asked a second time without cookies, as only the difference tells that they arrive. Other webhooks, which may write records, are asked only where --ask names them.',
    ],
    flags: [
      {
        flag: 'cookie',
        placeholder: 'COOKIES',
        help: 'Cookies of a browser that is signed in, as session=…; repeatable.',
      },
      { flag: 'payload', placeholder: 'JSON', help: 'What the page passes to connect. [null]' },
      { flag: 'ask', placeholder: 'WEBHOOKS', help: 'Ask these as well, in this order, with commas between them.' },
      { flag: 'channel', placeholder: 'NAME', help: 'The channel that --ask is about.' },
      { flag: 'user', placeholder: 'NAME', help: 'The user that --ask is about. [whom connect admits]' },
      {
        flag: 'origin-to-check',
        placeholder: 'ORIGIN',
        help: 'Say whether pages of this origin may connect; repeatable.',
      },
      { flag: 'url', placeholder: 'URL', help: 'Where pages reach the hub, for --origin-to-check.' },
      { flag: 'json', help: 'Print one JSON object.' },
    ],
    exits: { 0: 'Nothing is wrong.', 1: 'Something is wrong.', 2: 'An option is wrong.' },
    examples: [
      'hookbox doctor --cbport 3000',
      'hookbox doctor --config hub.json --cookie "session=$SESSION" --ask create_channel,publish --channel chat',
    ],
  },

  async run(given, terminal) {
    const examination = examinationOf(given)
    const { config, cookies } = examination
    const { webhookSecret, apiSecurityToken, adminPassword, signingSecrets } = config
    const hide = concealer([webhookSecret, apiSecurityToken, adminPassword, ...signingSecrets], cookies)
    const url = config.open ? undefined : placeOf(config.webhooks, 'connect').shown
    const json = given.own.has('json')
    if (!json && url !== undefined) terminal.stdout.write(`Asking ${printable(url)} as a hub would.\n\n`)
    const findings: Finding[] = []
    for await (const found of examine(examination)) {
      const finding = { ...found, says: hide(found.says), ...(found.mend !== undefined && { mend: hide(found.mend) }) }
      findings.push(finding)
      if (!json) terminal.stdout.write(written(finding, terminal.stdout))
    }
    const wrong = findings.filter(({ kind }) => kind === 'wrong').length
    if (json)
      terminal.stdout.write(`${JSON.stringify({ ok: wrong === 0, ...(url !== undefined && { url }), findings })}\n`)
    else terminal.stdout.write(`\n${summary(wrong)}\n`)
    return wrong === 0 ? exits.done : exits.no
  },
}

/** @throws ConfigError naming the flag that is wrong */
function examinationOf(given: Given): Examination {
  noWords(given)
  const { config, warnings, own } = given
  const channel = lastOf(given, 'channel')
  const user = lastOf(given, 'user')
  const payload = lastOf(given, 'payload') ?? 'null'
  const ask = (own.get('ask') ?? []).flatMap((list) => list.split(',')).map((name) => askable(name.trim()))
  const needing = ask.find((name) => needsChannel.includes(name))
  if (needing !== undefined && channel === undefined)
    throw new ConfigError(`--ask ${needing}: expected --channel as well`)
  const origins = own.get('origin-to-check') ?? []
  for (const origin of origins) {
    if (!URL.canParse(origin))
      throw new ConfigError(`--origin-to-check: expected an origin such as https://example.org, got ${quote(origin)}`)
  }
  return {
    ...{ config, warnings, ask, origins },
    cookies: cookiesOf(given),
    payload: checked(() => jsonText(payload, '--payload')),
    channel: channel === undefined ? undefined : checked(() => channelName(channel, '--channel')),
    user: user === undefined ? undefined : checked(() => userName(user, '--user')),
    hub: hubUrl(lastOf(given, 'url')),
    clock: systemClock,
  }
}

function askable(name: string): Examination['ask'][number] {
  if (isWebhookName(name) && name !== 'connect') return name
  const names = Object.keys(webhookFields).filter((one) => one !== 'connect')
  throw new ConfigError(`--ask: expected some of ${names.join(', ')}, got ${quote(name)}`)
}

function hubUrl(url: string | undefined): URL | undefined {
  if (url === undefined) return undefined
  if (!/^(https?|wss?):\/\//i.test(url) || !URL.canParse(url)) {
    throw new ConfigError('--url: expected a URL that begins with wss, ws, https or http')
  }
  return new URL(url)
}

// One style each: Node 20 colours for no terminal, too, where a list of them is given.
const styles = { right: 'green', note: 'yellow', wrong: 'red' } as const

function written({ kind, says, mend }: Finding, stdout: Terminal['stdout']): string {
  const word = styleText(styles[kind], kind.padEnd(5), { stream: stdout, validateStream: true })
  return `${word}  ${printable(says)}\n${mend === undefined ? '' : `       ${printable(mend)}\n`}`
}

function summary(wrong: number): string {
  if (wrong === 0) return 'Nothing is wrong.'
  return wrong === 1 ? 'One thing is wrong.' : `${wrong} things are wrong.`
}
