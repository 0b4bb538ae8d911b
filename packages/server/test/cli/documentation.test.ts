import { readFile } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'
import { startWebApplication, until, type WebhookReplies } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import { commandList } from '../../src/cli/command-list.ts'
import { commandNamed } from '../../src/cli/commands.ts'
import { RunningHub } from '../kit/running-hub.ts'
import { begin } from '../kit/terminal.ts'

const env = {
  HOOKBOX_WEBHOOK_SECRET: '9f2c41d07be84a55b7d3a6e0',
  HOOKBOX_API_SECURITY_TOKEN: 'c05d9b7713f64f3ea1e2d848',
}

const page = await readFile(new URL('../../../../docs/command-line.md', import.meta.url), 'utf8')
const examples = [
  ...page.matchAll(/(?:<!-- application: (.*) -->\n\n)?```console\n\$ hookbox ([^\n]*)\n([\s\S]*?)```/g),
].map(([, replies = '{}', command = '', output = '']) => ({ replies, command, output }))

const bySession: WebhookReplies = (_fields, { cookies }) =>
  cookies.session === undefined ? [false, { error: 'sign in first' }] : [true, { name: 'ann' }]

test('there are examples of all commands', () => {
  const shown = examples.map(({ command }) => command.split(' ')[0])
  expect(commandList.filter(({ name }) => !shown.includes(name))).toEqual([])
})

test.each(examples)('hookbox $command prints what docs/command-line.md shows', async ({ replies, command, output }) => {
  const table = JSON.parse(replies) as Record<string, WebhookReplies>
  const answers = table.connect === ('by session' as unknown) ? { ...table, connect: bySession } : table
  const args = words(command)
  expect(commandNamed(args[0])).toBeDefined()
  const printed = ['doctor', 'probe'].includes(args[0] ?? '')
    ? await againstApplication(args, answers)
    : await againstHub(args, answers)
  expect(steady(printed)).toBe(steady(output))
})

async function againstApplication(args: readonly string[], replies: Record<string, WebhookReplies>): Promise<string> {
  await using app = await startWebApplication(replies)
  const where = { HOOKBOX_CBHOST: '127.0.0.1', HOOKBOX_CBPORT: String(app.port) }
  const { terminal, ended } = await begin(args, { env: { ...env, ...where }, isTTY: true })
  await ended
  return terminal.stdout.text.replaceAll(String(app.port), '3000')
}

/** A hub with ann in the chat; what tail shows is that bob comes and says something. */
async function againstHub(args: readonly string[], replies: Record<string, WebhookReplies>): Promise<string> {
  await using hub = await RunningHub.start(replies, { apiSecurityToken: env.HOOKBOX_API_SECURITY_TOKEN })
  await using ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
  const where = args[0] === 'tail' ? ['--url', hub.url] : ['--rest', hub.url]
  const { terminal, ended } = await begin([...args, ...where], { env, isTTY: true })
  if (args[0] === 'tail') {
    const seen = (text: string) =>
      until(() => ((terminal.stderr.text + terminal.stdout.text).includes(text) ? true : undefined), text)
    await seen('in chat\n')
    await using bob = await hub.page('bob')
    await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
    await bob.ask('PUBLISH', { channel_name: 'chat', payload: { text: 'hi' } })
    await hub.rest('state_set_key', {
      security_token: env.HOOKBOX_API_SECURITY_TOKEN,
      channel_name: 'chat',
      key: 'open',
      val: 'true',
    })
    await seen('open')
    terminal.emit('SIGINT')
  }
  await ended
  return terminal.stdout.text
}

/** As a shell takes them apart. */
function words(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  )
}

/** What differs each time, put in the same form. */
function steady(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\d+ ms/g, 'N ms')
    .replace(/("duration": ?)\d+/g, '$1N')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/^\d\d:\d\d:\d\d/gm, 'TIME')
    .replace(/[0-9a-f]{12,}/g, 'ID')
    .replace(/^(version +).*$/m, '$1N')
}
