import { freePort, until } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { RunningHub } from '../kit/running-hub.ts'
import { begin, hookbox, type TestTerminal } from '../kit/terminal.ts'

const room = { create_channel: [true, { history_size: 20, presenceful: true }] } as const

function said(terminal: TestTerminal, text: string): Promise<true> {
  const instead = () => terminal.stderr.text + terminal.stdout.text
  return until(() => (terminal.stderr.text.includes(text) ? true : undefined), `it to say ${text}`, { instead })
}

function printed(terminal: TestTerminal, text: string): Promise<true> {
  const instead = () => terminal.stderr.text + terminal.stdout.text
  return until(() => (terminal.stdout.text.includes(text) ? true : undefined), `it to print ${text}`, { instead })
}

test('what is told in a channel is a line of JSON each, until it is ended', async () => {
  await using hub = await RunningHub.start(room)
  const { terminal, ended } = await begin(['tail', 'chat', '--url', hub.url, '--name', 'tim', '--cookie', 'a=1; b=2'])
  await said(terminal, 'in chat\n')
  expect((await hub.app.next('connect')).cookies).toEqual({ a: '1', b: '2' })
  {
    await using bob = await hub.page('bob')
    await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
    await bob.ask('PUBLISH', { channel_name: 'chat', payload: { text: 'hi' } })
    await hub.rest('state_set_key', { channel_name: 'chat', key: 'open', val: 'true' })
  }
  await printed(terminal, '"unsubscribe"')
  terminal.emit('SIGINT')
  expect(await ended).toBe(0)
  const datetime = expect.stringMatching(/^\d{4}-.*Z$/)
  expect(terminal.stdout.lines.filter(({ user }) => user !== 'tim')).toEqual([
    { channel: 'chat', event: 'subscribe', user: 'bob', datetime },
    { channel: 'chat', event: 'publish', user: 'bob', payload: { text: 'hi' }, datetime, offset: expect.any(Number) },
    { channel: 'chat', event: 'state', updates: { open: true }, deletes: [] },
    { channel: 'chat', event: 'unsubscribe', user: 'bob', datetime },
  ])
  expect(terminal.stderr.text).toBe('hookbox tail: connected as tim\nhookbox tail: in chat\n')
})

test('on a terminal it is for people, and moves no cursor', async () => {
  await using hub = await RunningHub.start(room)
  await hub.rest('create_channel', {
    channel_name: 'chat',
    history_size: '5',
    history: '[["PUBLISH",{"payload":"old"}]]',
  })
  const args = ['tail', 'chat', '--url', hub.url, '--payload', '{"name":"tim"}', '--history']
  const { terminal, ended } = await begin(args, { isTTY: true })
  await said(terminal, 'in chat\n')
  await hub.rest('publish', { channel_name: 'chat', originator: 'ann', payload: '"\u009b2J\u202e"' })
  await printed(terminal, 'ann')
  terminal.emit('SIGTERM')
  expect(await ended).toBe(0)
  expect(terminal.stdout.text).toMatch(/^ {8} {2}–: "old"\n\d\d:\d\d:\d\d {2}tim came\n\d\d:\d\d:\d\d {2}ann: "2J"\n$/)
})

test('it comes back by itself, says so once, and nothing is missed or told twice', async () => {
  const port = await freePort()
  await using hub = await RunningHub.start(room, { port, linger: 5 })
  const { terminal, ended } = await begin(['tail', 'chat', '--url', hub.url, '--name', 'tim'])
  await said(terminal, 'in chat\n')
  await hub.rest('publish', { channel_name: 'chat', payload: '1' })
  await printed(terminal, '"payload":1')
  await hub.restart()
  await said(terminal, 'in chat again\n')
  await hub.rest('publish', { channel_name: 'chat', payload: '2' })
  await printed(terminal, '"payload":2')
  terminal.emit('SIGINT')
  expect(await ended).toBe(0)
  expect(terminal.stdout.lines.flatMap((line) => (line.event === 'publish' ? [line.payload] : []))).toEqual([1, 2])
  expect(terminal.stderr.text.match(/trying again/g)).toHaveLength(1)
})

test('a hub that is not there is waited for', async () => {
  const { terminal, ended } = await begin(['tail', 'chat', '--url', `http://127.0.0.1:${await freePort()}`])
  await said(terminal, 'hookbox tail: the hub cannot be reached; trying again\n')
  terminal.emit('SIGINT')
  expect(await ended).toBe(0)
})

describe('a no ends it with 1', () => {
  test('to the connect', async () => {
    await using hub = await RunningHub.start({ connect: [false, { error: 'sign in first' }] })
    const { code, stdout, stderr } = await hookbox(['tail', 'chat', '--url', hub.url])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('hookbox tail: sign in first\n')
  })

  test('to the subscribe', async () => {
    await using hub = await RunningHub.start({ create_channel: [false, { error: 'no such room' }] })
    const { code, stderr } = await hookbox(['tail', 'chat', '--url', hub.url, '--name', 'tim'])
    expect(code).toBe(1)
    expect(stderr).toContain('no such room\n')
  })

  test('later: the channel is destroyed', async () => {
    await using hub = await RunningHub.start(room)
    const { terminal, ended } = await begin(['tail', 'chat', '--url', hub.url, '--name', 'tim'])
    await said(terminal, 'in chat\n')
    await hub.rest('destroy_channel', { channel_name: 'chat' })
    expect(await ended).toBe(1)
    expect(terminal.stderr.text).toContain('hookbox tail: put out of chat: destroyed\n')
  })

  test('later: the user is put out', async () => {
    await using hub = await RunningHub.start(room)
    const { terminal, ended } = await begin(['tail', 'chat', '--url', hub.url, '--name', 'tim'])
    await said(terminal, 'in chat\n')
    await hub.rest('disconnect_user', { user_name: 'tim' })
    expect(await ended).toBe(1)
    expect(terminal.stderr.text).toContain('hookbox tail: closed for good: 4403')
  })
})

test('whoever reads and goes ends it quietly', async () => {
  await using hub = await RunningHub.start(room)
  const { terminal, ended } = await begin(['tail', 'chat', '--url', hub.url, '--name', 'tim'])
  await said(terminal, 'in chat\n')
  terminal.stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  expect(await ended).toBe(0)
})

test.each([
  { args: [], says: 'expected one channel' },
  { args: ['a', 'b'], says: 'expected one channel' },
  { args: ['chat', '--url', 'ftp://hub'], says: 'url: expected http(s) or ws(s), got "ftp://hub"' },
  { args: ['chat', '--payload', 'x'], says: '--payload: expected JSON' },
  { args: ['chat', '--name', 'a', '--payload', '1'], says: '--name: it stands for --payload, so one of them' },
  { args: ['chat', '--port', '0'], says: 'expected --url, as the port is one that the hub picks' },
])('$args is a mistake', async ({ args, says }) => {
  expect(await hookbox(['tail', ...args])).toEqual({ code: 2, stdout: '', stderr: `hookbox tail: ${says}\n` })
})
