import { startWebApplication } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { hookbox } from '../kit/terminal.ts'

const secret = '9f2c41d07be84a55b7d3a6e0'

async function probing(replies: Parameters<typeof startWebApplication>[0] = {}) {
  const app = await startWebApplication(replies)
  const flags = ['--cbhost', '127.0.0.1', '--cbport', String(app.port), '-s', secret]
  const probe = (args: readonly string[], isTTY = false) => hookbox(['probe', ...args, ...flags], { isTTY })
  return Object.assign(app, { probe })
}

test('what is allowed is told in one line for programs, and ends with 0', async () => {
  await using app = await probing({ publish: [true, { override_payload: { text: 'hi' } }] })
  const { code, stdout, stderr } = await app.probe(['publish', 'channel_name=chat', 'payload="hi"', 'originator=ann'])
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^\{[^\n]*\}\n$/)
  expect(JSON.parse(stdout)).toEqual({
    webhook: 'publish',
    outcome: 'allowed',
    details: { payload: { text: 'hi' }, only_to_sender: false },
    auto_subscribe: [],
    auto_unsubscribe: [],
    status: 200,
    duration: expect.any(Number),
  })
  expect(app.calls()[0]).toMatchObject({
    headers: { 'x-hookbox-probe': 'probe' },
    fields: { action: 'publish', secret, channel_name: 'chat', payload: '"hi"', originator: 'ann' },
  })
})

test('a refusal ends with 1, a fault with 3', async () => {
  await using app = await probing({ connect: [false, { error: 'sign in first' }], create_channel: { status: 500 } })
  const refused = await app.probe(['connect'])
  expect(refused.code).toBe(1)
  expect(JSON.parse(refused.stdout)).toMatchObject({ outcome: 'refused', error: 'sign in first' })
  const fault = await app.probe(['create_channel', 'channel_name=a=b'])
  expect(fault.code).toBe(3)
  expect(JSON.parse(fault.stdout)).toMatchObject({ outcome: 'fault', status: 500 })
  expect(app.calls('create_channel')[0]?.fields.channel_name).toBe('a=b')
})

test('on a terminal it is spread over lines; cookies go out, and are named only', async () => {
  const session = 'f81d4fae7dec11d0'
  await using app = await probing({
    connect: { headers: { 'set-cookie': 'session=5aa9e6e54c07; HttpOnly' }, body: `[false,{"error":"${session}"}]` },
  })
  const { code, stdout } = await app.probe(['connect', '--cookie', `session=${session}`], true)
  expect(code).toBe(1)
  expect(app.calls()[0]?.cookies).toEqual({ session })
  expect(stdout.replace(/"duration": \d+/, '"duration": 1')).toBe(`{
  "webhook": "connect",
  "outcome": "refused",
  "error": "…",
  "auto_subscribe": [],
  "auto_unsubscribe": [],
  "status": 200,
  "duration": 1,
  "set_cookies": [
    "session"
  ]
}
`)
})

describe('a mistake is one line and exit code 2', () => {
  test.each([
    {
      args: [],
      says: 'expected one of connect, disconnect, create_channel, destroy_channel, subscribe, unsubscribe, publish, message, hub_started, got nothing',
    },
    { args: ['subscribe', 'channel_name=chat'], says: 'user: subscribe needs it, got nothing' },
    { args: ['subscribe', 'chat'], says: '"chat": expected field=value' },
    { args: ['subscribe', 'user=a', 'user=b'], says: 'user: given twice' },
    {
      args: ['subscribe', 'channel_name=chat', 'user=a', 'usr=b'],
      says: 'usr: no field of subscribe; expected one of channel_name, user',
    },
    {
      args: ['publish', 'channel_name=chat', 'payload=hi'],
      says: `payload: expected JSON, got "hi"; a text needs quotes of its own, as in '"hi"'`,
    },
    {
      args: ['disconnect', 'name=ann', 'channels="chat"'],
      says: 'channels: expected a JSON list of channel names, got "chat"',
    },
    {
      args: ['message', 'sender=a', 'recipient=b', 'payload=1', 'recipient_exists=yes'],
      says: 'recipient_exists: expected true or false, got "yes"',
    },
  ])('$args', async ({ args, says }) => {
    await using app = await probing()
    expect(await app.probe(args)).toEqual({ code: 2, stdout: '', stderr: `hookbox probe: ${says}\n` })
    expect(app.calls()).toEqual([])
  })

  test('open mode', async () => {
    expect(await hookbox(['probe', 'connect'])).toMatchObject({
      code: 2,
      stderr: 'hookbox probe: there is no application to ask in open mode; give --cbhost, --cbport or --config\n',
    })
  })
})

test('its help lists the webhooks with their fields', async () => {
  const { stdout } = await hookbox(['probe', '--help'])
  expect(stdout).toMatch(/^ {2}publish +channel_name payload \[originator\] \[message_id\]$/m)
})
