import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { freePort } from '@hookbox/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RunningHub, restSecret } from '../kit/running-hub.ts'
import { hookbox } from '../kit/terminal.ts'

let hub: RunningHub
const env = { HOOKBOX_API_SECURITY_TOKEN: restSecret }

beforeAll(async () => {
  hub = await RunningHub.start({ create_channel: [true, { history_size: 20 }], publish: [false, { error: 'no spam' }] })
})
afterAll(async () => {
  await hub[Symbol.asyncDispose]()
})

/** A command with the secret in the environment and the hub's URL as a flag. */
function run(args: readonly string[], options: { isTTY?: boolean; stdin?: string } = {}) {
  return hookbox([...args, '--rest', hub.url], { env, ...options })
}

describe('publish', () => {
  test.each([
    { name: 'a JSON text', args: ['{"text": "hi"}'], payload: { text: 'hi' } },
    { name: 'what stands on the standard input', args: [], stdin: '[\n  1,\n  2\n]\n', payload: [1, 2] },
    { name: 'the same, by a dash', args: ['-'], stdin: '"hé"', payload: 'hé' },
    { name: 'a number below zero', args: ['--', '-5'], payload: -5 },
  ])('$name', async ({ args, stdin, payload }) => {
    await using ann = await hub.page('ann')
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    // What stands behind `--` is no flag, so the flags stand before it.
    const { code, stdout, stderr } = await hookbox(
      ['publish', '--rest', hub.url, '--originator', 'bot', 'chat', ...args],
      {
        env,
        ...(stdin === undefined ? {} : { stdin }),
      },
    )
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toEqual({ position: expect.stringMatching(/^\w+:\d+$/) })
    expect(await ann.next('PUBLISH')).toMatchObject({ args: { user: 'bot', payload } })
  })

  test('the same key twice publishes once', async () => {
    await hub.rest('create_channel', { channel_name: 'once' })
    const again = ['publish', 'once', '1', '--message-id', 'k1']
    const first = await run(again)
    expect(JSON.parse((await run(again)).stdout)).toEqual({ ...JSON.parse(first.stdout), duplicate: true })
  })

  test('asks the webhook where it is to; a no is 1', async () => {
    await hub.rest('create_channel', { channel_name: 'asked' })
    expect(await run(['publish', 'asked', '1', '--send-hook'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'hookbox publish: no spam\n',
    })
  })

  test('into a channel that does not exist is a no', async () => {
    expect(await run(['publish', 'nowhere', '1'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'hookbox publish: channel "nowhere" does not exist\n',
    })
  })

  test.each([
    { args: [], says: 'expected a channel' },
    { args: ['chat', 'hi'], says: 'JSON: expected JSON, got "hi"' },
    { args: ['chat', '1', '2'], says: 'expected a channel and one JSON text, which may need quotes' },
    { args: ['', '1'], says: 'CHANNEL: expected 1 to 200 bytes, got ""' },
    { args: ['chat'], stdin: 'x'.repeat(65_537), says: 'expected at most 65536 bytes on the standard input' },
    {
      args: ['chat', '1', '--rest', 'http://a:b@hub'],
      says: '--rest: expected an http or https URL, without a user name',
    },
  ])('$args is a mistake', async ({ args, stdin, says }) => {
    const { code, stdout, stderr } = await hookbox(['publish', ...args], { env, ...(stdin && { stdin }) })
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: `hookbox publish: ${says}\n` })
  })
})

describe('info, channels and users', () => {
  test('info is lines for people and JSON for programs', async () => {
    await using _ = await hub.page('ann')
    const forPeople = await run(['info'], { isTTY: true })
    expect(forPeople.stdout).toMatch(/^channels +\d+\nconnections +1\nusers +1\n/)
    expect(forPeople.stdout).toMatch(/^version +\d+\.\d+\.\d+$/m)
    const forPrograms = await run(['info'])
    expect(JSON.parse(forPrograms.stdout)).toMatchObject({ users: ['ann'], connections: [expect.any(String)] })
    expect(await run(['info', '--json'], { isTTY: true })).toEqual(forPrograms)
  })

  test('channels and users are their names', async () => {
    await using _ = await hub.page('bob')
    await hub.rest('create_channel', { channel_name: 'tea' })
    expect((await run(['channels'], { isTTY: true })).stdout.split('\n')).toContain('tea')
    expect((await run(['channels'])).stdout.split('\n')).toContain('{"name":"tea"}')
    expect((await run(['users'])).stdout).toContain('{"name":"bob"}\n')
  })

  test('or all about those that are named; one that is not there is a no, and the others are told', async () => {
    await hub.rest('create_channel', { channel_name: 'tea2' })
    const { code, stdout, stderr } = await run(['channels', 'nowhere', 'tea2'])
    expect([code, stderr]).toEqual([1, 'hookbox channels: channel "nowhere" does not exist\n'])
    expect(JSON.parse(stdout)).toMatchObject({ name: 'tea2', options: { moderated: true }, subscribers: [] })
    await using _ = await hub.page('cat')
    expect(JSON.parse((await run(['users', 'cat'])).stdout)).toMatchObject({
      name: 'cat',
      connections: [expect.any(String)],
    })
  })

  test('a word that info has no use for is a mistake', async () => {
    expect(await run(['info', 'chat'])).toMatchObject({
      code: 2,
      stderr: 'hookbox info: "chat": expected options only\n',
    })
  })
})

describe('the hub', () => {
  test('is where the options of a hub have it listen', async () => {
    await using other = await RunningHub.start({}, { port: await freePort(), basePath: '/live' })
    const { port } = new URL(other.url)
    const options = ['--interface', '127.0.0.1', '--port', port, '--base-path', '/live']
    expect(await hookbox(['info', ...options], { env })).toMatchObject({ code: 0 })
  })

  test('is on its REST port, where it has one', async () => {
    const webApiPort = await freePort()
    await using _ = await RunningHub.start({}, { webApiPort })
    const options = ['--interface', '127.0.0.1', '-w', String(webApiPort)]
    expect(await hookbox(['info', ...options], { env })).toMatchObject({ code: 0 })
    expect(await hookbox(['info', '--rest', `http://127.0.0.1:${webApiPort}/rest/`], { env })).toMatchObject({
      code: 0,
    })
  })

  test('has to be asked with its secret', async () => {
    const { code, stderr } = await hookbox(['info', '--rest', hub.url], {
      env: { HOOKBOX_API_SECURITY_TOKEN: 'wrong' },
    })
    expect([code, stderr]).toEqual([1, 'hookbox info: security_token: wrong secret\n'])
    expect(await hookbox(['info', '--rest', hub.url])).toMatchObject({
      code: 2,
      stderr:
        'hookbox info: expected the secret of REST as HOOKBOX_API_SECURITY_TOKEN in the environment, or in --config FILE\n',
    })
  })

  test('that is not there is 3', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    expect(await hookbox(['info', '--rest', url], { env })).toEqual({
      code: 3,
      stdout: '',
      stderr: `hookbox info: ${url} cannot be asked: connect ECONNREFUSED ${url.slice(7)}\n`,
    })
  })

  test('that is something else is 3, and the secret goes nowhere but there', async () => {
    const headers: unknown[] = []
    const server = createServer((request, response) => {
      headers.push([request.url, request.headers.authorization])
      response.writeHead(307, { location: '/elsewhere' }).end('<h1>Moved</h1>')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect(await hookbox(['info', '--rest', url], { env })).toEqual({
      code: 3,
      stdout: '',
      stderr: `hookbox info: ${url} is no REST interface of a hub (status 307): <h1>Moved</h1>\n`,
    })
    expect(headers).toEqual([['/rest/get_server_info', `Bearer ${restSecret}`]])
    server.closeAllConnections()
    server.close()
  })
})
