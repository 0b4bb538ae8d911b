import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { closeCodes, comesBack } from '../packages/protocol/src/close-codes.ts'
import { type ErrorCode, errors } from '../packages/protocol/src/errors.ts'
import { limits } from '../packages/protocol/src/limits.ts'
import { idWindow } from '../packages/server/src/broker/memory/bounded-ids.ts'
import { recoveryWindow } from '../packages/server/src/broker/memory/recovery-log.ts'
import { type ChannelOptions, channelOptions, maxHistorySize } from '../packages/server/src/channel/options.ts'
import { stateLimits } from '../packages/server/src/channel/state.ts'
import { commandList } from '../packages/server/src/cli/command-list.ts'
import { loadOptions } from '../packages/server/src/config/load.ts'
import { type Group, type Option, options } from '../packages/server/src/config/options.ts'
import { maxBody } from '../packages/server/src/http/body.ts'
import { metrics } from '../packages/server/src/http/metrics-table.ts'
import { maxChannels } from '../packages/server/src/hub/channels.ts'
import { type UserOptions, userOptions } from '../packages/server/src/hub/user-options.ts'
import { maxPollAnswer } from '../packages/server/src/polling/fetch.ts'
import { modes } from '../packages/server/src/polling/modes.ts'
import type { PollingMode, PollingOptions } from '../packages/server/src/polling/options.ts'
import { webhookBounds } from '../packages/server/src/signals/signals.ts'
import { maxUnread } from '../packages/server/src/transport/outbox.ts'
import type { WebhookName } from '../packages/server/src/webhooks/callbacks.ts'
import { jsonFields } from '../packages/server/src/webhooks/callbacks.ts'
import { maxReply } from '../packages/server/src/webhooks/http.ts'
import { fieldsOf, restMethods } from './reference-rest.ts'
import {
  channelOptionWords,
  closeCodeWords,
  limitWords,
  pollingModeWords,
  pollingWords,
  processMetricWords,
  restErrorWords,
  restFieldWords,
  restMethodWords,
  userOptionWords,
  webhookWords,
} from './reference-words.ts'
import { root } from './run.ts'

/** Run by itself, this writes the tables in the pages anew from those in the code. */
export const command = 'npx tsx --conditions=@hookbox/source scripts/reference.ts'

/** The pages that hold tables. */
export const pages = ['configuration', 'webhooks', 'channels', 'rest', 'command-line', 'metrics'].map(
  (page) => `docs/${page}.md`,
)

export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

/** Every table by the name in its marker. */
export async function makeTables(): Promise<ReadonlyMap<string, string>> {
  const methods = await Promise.all(
    Object.keys(restMethods).map(async (name) => [`method ${name}`, await restFieldTable(name)] as const),
  )
  return new Map([
    ['flags', flagTables()],
    ['commands', commandTable()],
    ['webhooks', webhookTable()],
    ...webhookNames().flatMap((name) => [
      [`fields of ${name}`, webhookFieldTable(name)] as const,
      [`details of ${name}`, detailTable(name)] as const,
    ]),
    ['channel options', channelOptionTable()],
    [
      'polling',
      table(
        ['name', 'meaning'],
        Object.entries(pollingWords).map(([name, words]) => [code(name), words]),
      ),
    ],
    ['polling modes', pollingModeTable()],
    ['user options', userOptionTable()],
    ['limits', limitTable()],
    ['close codes', closeCodeTable()],
    ['methods', restMethodTable()],
    ...methods,
    ['errors', errorTable()],
    ['metrics', metricTable()],
    ['buckets', `${webhookBounds.map(String).map(code).join(', ')} seconds.`],
    ['process metrics', processMetricTable()],
  ])
}

const marked = /<!-- table: ([^>]+?) -->\n[\s\S]*?<!-- end -->/g

/** The page with each table as it should be. */
export function fill(text: string, tables: ReadonlyMap<string, string>): string {
  return text.replace(marked, (_, name: string) => {
    const made = tables.get(name)
    if (made === undefined) throw new Error(`there is no table "${name}"; there are ${[...tables.keys()].join(', ')}`)
    return `<!-- table: ${name} -->\n${made === '' ? '' : `\n${made}\n`}\n<!-- end -->`
  })
}

/** The names of the tables that a page holds. */
export function tablesIn(text: string): string[] {
  return [...text.matchAll(marked)].map(([, name = '']) => name)
}

export function webhookNames(): WebhookName[] {
  return Object.keys(webhookWords) as WebhookName[]
}

function flagTables(): string {
  const groups = new Map<Group, Option[]>()
  for (const option of options) groups.set(option.group, [...(groups.get(option.group) ?? []), option])
  const head = ['flag', 'in the file', 'in the environment', 'value', 'default', 'meaning']
  return [...groups].map(([group, rows]) => `### ${group}\n\n${table(head, rows.map(flagRow))}`).join('\n\n')
}

function flagRow({ flag, short, fileKey, variable, kind, default: initial, defaultText, help }: Option): string[] {
  const flags = [short && `-${short}`, flag && `--${flag}`].filter((one) => one !== undefined).map(code)
  const words = initial === false ? 'false' : (defaultText ?? '')
  const repeatable = kind.shape === 'list' && flag !== undefined ? ' Repeatable.' : ''
  const isText = typeof initial === 'string' || typeof initial === 'number' || typeof initial === 'boolean'
  const shown = words === '' ? (fileKey === 'user_defaults' ? code('{}') : '') : isText ? code(words) : words
  return [flags.join(', '), code(fileKey), variable ? code(variable) : '', kind.expected, shown, help + repeatable]
}

function commandTable(): string {
  return table(
    ['command', 'does'],
    commandList.map(({ usage, help }) => [code(`hookbox ${usage}`), help]),
  )
}

function webhookTable(): string {
  return table(
    ['webhook', 'when', 'cookies'],
    webhookNames().map((name) => {
      const { when, cookies } = webhookWords[name]
      return [`[${code(name)}](#${name})`, when, cookies]
    }),
  )
}

function webhookFieldTable(name: WebhookName): string {
  const fields = Object.entries<string>(webhookWords[name].fields)
  return table(
    ['field', 'meaning'],
    fields.map(([field, words]) => {
      if (jsonFields.has(field) !== /^JSON text|^`true` or `false`/.test(words)) {
        throw new Error(`${name}.${field}: expected the words to say whether it is JSON text, as jsonFields does`)
      }
      return [code(field), words]
    }),
  )
}

function detailTable(name: WebhookName): string {
  const details = Object.entries<string>(webhookWords[name].details)
  if (details.length === 0) return ''
  return table(
    ['detail', 'meaning'],
    details.map(([detail, words]) => [code(detail), words]),
  )
}

function channelOptionTable(): string {
  const rows = (Object.keys(channelOptions) as (keyof ChannelOptions)[]).map((key) => {
    const { name, initial } = channelOptions[key]
    return [code(name), key === 'polling' ? 'off' : code(JSON.stringify(initial)), channelOptionWords[key]]
  })
  return table(
    ['option', 'default', 'meaning'],
    [...rows, ['`history`', '`[]`', channelOptionWords.history], ['`state`', '`{}`', channelOptionWords.state]],
  )
}

function userOptionTable(): string {
  return table(
    ['option', 'default', 'meaning'],
    (Object.keys(userOptions) as (keyof UserOptions)[]).map((key) => {
      const { name, initial } = userOptions[key]
      return [code(name), code(JSON.stringify(initial)), userOptionWords[key]]
    }),
  )
}

function pollingModeTable(): string {
  const example: PollingOptions = {
    mode: 'simple',
    url: 'http://localhost/',
    interval: 1,
    form: {},
    originator: undefined,
  }
  return table(
    ['mode', 'request', 'repeats', 'reply'],
    (Object.keys(modes) as PollingMode[]).map((mode) => {
      const { method, form } = modes[mode].request({ ...example, mode }, undefined)
      const request = form === undefined ? `${method} \`url\`` : `${method} \`form\` to \`url\``
      return [code(mode), request, modes[mode].repeats ? 'every `interval`' : 'no', pollingModeWords[mode]]
    }),
  )
}

const times: readonly string[] = ['handshake', 'pong']
const counts: readonly string[] = ['channels', 'presence']

function limitTable(): string {
  const wire = Object.entries(limits).map(([name, value]) => {
    const { what, beyond } = limitWords[name as keyof typeof limits]
    return [what, times.includes(name) ? seconds(value) : counts.includes(name) ? whole(value) : bytes(value), beyond]
  })
  const { config } = loadOptions({})
  return table(
    ['what', 'at most', 'beyond it'],
    [
      ...wire,
      ['unread by one page', bytes(maxUnread), 'the connection is closed with 4508'],
      ['frames per second and connection', `${config.rate}, in a burst ${config.rate * 5}`, '`too_many`; see `--rate`'],
      ['channels of one hub', whole(maxChannels), '`too_many`'],
      ['`history_size`', whole(maxHistorySize), '`bad_request`'],
      ['the history of one channel', '16 MiB', 'the oldest entries go first'],
      ['the state of one channel', `${bytes(stateLimits.bytes)}, ${whole(stateLimits.keys)} keys`, '`too_large`'],
      [
        'what a page that comes back can recover, by channel',
        `${seconds(recoveryWindow.duration)}, ${whole(recoveryWindow.size)} frames, ${bytes(recoveryWindow.bytes)}`,
        'the page is told of a gap, and gets history, state and presence anew',
      ],
      [
        'message ids remembered, by channel',
        `${seconds(idWindow.duration)}, ${whole(idWindow.size)} ids`,
        'a repeat is published again',
      ],
      ['the reply to a webhook', bytes(maxReply), 'a [fault](webhooks.md#refusals-and-faults)'],
      ['time for a webhook to reply', seconds(config.webhooks.timeout), 'a fault'],
      ['the answer to a poll', bytes(maxPollAnswer), 'the poll has failed'],
      ['the body of a REST request', bytes(maxBody), '`too_large`'],
    ],
  )
}

function closeCodeTable(): string {
  return table(
    ['code', 'meaning', 'comes back'],
    Object.entries(closeCodes).map(([name, number]) => [
      String(number),
      closeCodeWords[name as keyof typeof closeCodes],
      comesBack(number) ? 'yes' : 'no',
    ]),
  )
}

function restMethodTable(): string {
  return table(
    ['method', 'does'],
    Object.keys(restMethods).map((name) => [
      `[${code(name)}](#${name})`,
      needed(restMethodWords[name], `the REST method ${name}`),
    ]),
  )
}

async function restFieldTable(name: string): Promise<string> {
  const method = restMethods[name]
  const fields = method ? await fieldsOf(method) : []
  if (fields.length === 0) return 'No fields.'
  return table(
    ['field', '', 'meaning'],
    fields.map(({ name: field, also, required }) => {
      const words = restFieldWords[`${name}.${field}`] ?? restFieldWords[field]
      const shown = field === '*' ? '…' : [field, ...also].map(code).join(' or ')
      return [shown, required ? 'required' : 'optional', needed(words, `the field ${field} of ${name}`)]
    }),
  )
}

function errorTable(): string {
  return table(
    ['status', '`code`', 'when'],
    (Object.keys(errors) as ErrorCode[]).flatMap((name) => {
      const words = restErrorWords[name]
      return words === undefined ? [] : [[String(errors[name].status), code(name), words]]
    }),
  )
}

function metricTable(): string {
  return table(
    ['metric', 'type', 'labels', ''],
    metrics.map(({ name, type, labels, help }) => [code(name), type, labels.map(code).join(', '), help]),
  )
}

function processMetricTable(): string {
  return table(
    ['metric', ''],
    Object.entries(processMetricWords).map(([name, words]) => [code(name), words]),
  )
}

/** @throws Error that says where words are missing */
function needed(words: string | undefined, of: string): string {
  if (words === undefined) throw new Error(`scripts/reference-words.ts has no words for ${of}`)
  return words
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => needed(cell, cells[0] ?? 'a row').replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}

function whole(value: number): string {
  return value.toLocaleString('en-US')
}

function bytes(value: number): string {
  if (value % 1_048_576 === 0) return `${value / 1_048_576} MiB`
  return value % 1_024 === 0 ? `${value / 1_024} KiB` : `${value} bytes`
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1_000} s`
}

async function main(): Promise<void> {
  const tables = await makeTables()
  for (const page of pages) {
    const text = readPage(page)
    const filled = fill(text, tables)
    if (filled === text) continue
    writeFileSync(join(root, page), filled)
    console.log(`${page} written anew`)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
