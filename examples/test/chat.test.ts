import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort, openWirePage, startHubProcess } from '../../packages/testkit/src/index.ts'
import { examples, type Fields, isInstalled, type Running, start, webhookSecret } from './example.ts'

type Entry = [kind: string, entry: { payload?: string }]

const time = expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d/)

for (const example of examples) {
  const installed = isInstalled(example)
  const name = installed ? example.name : `${example.name}: skipped, as it is not installed`

  describe.skipIf(!installed)(name, () => {
    let chat: Running

    beforeEach(async () => {
      chat = await start(example)
    })

    afterEach(() => chat[Symbol.asyncDispose]())

    const say = (fields: Fields, id?: string) =>
      chat.ask('publish', { channel_name: 'chat', originator: 'ann', ...fields }, id === undefined ? {} : { id })
    const created = (history: unknown) => [true, { history_size: 20, presenceful: true, history }]

    test('a stranger gets the form, and who signs in gets the room', async () => {
      const door = await fetch(chat.url)
      expect(await door.text()).toContain('Your name')

      const body = new URLSearchParams({ name: 'Ann' })
      const answer = await fetch(`${chat.url}/sign-in`, { method: 'POST', body, redirect: 'manual' })
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
      expect(answer.headers.get('set-cookie')).toMatch(/^chat_session=[\w,-]{20,};.*HttpOnly; SameSite=Lax$/)

      const room = await fetch(chat.url, { headers: { cookie: await chat.signIn('Ann') } })
      expect(await room.text()).toContain('<script src="http://127.0.0.1:8001/static/hookbox.js"></script>')
    })

    test.each(['', ' \n', '<b>', 'a'.repeat(21)])('nobody signs in as %j', async (given) => {
      expect(await chat.signIn(given)).toBe('')
    })

    test('the name behind the cookie is who connects', async () => {
      const fields = { conn_id: '1', payload: 'null' }
      const cookie = `other=1; ${await chat.signIn('Zoë')}`
      expect(await chat.ask('connect', fields, { cookie })).toEqual([true, { name: 'Zoë' }])
      const no = [false, { error: 'sign in first' }]
      expect(await chat.ask('connect', fields)).toEqual(no)
      expect(await chat.ask('connect', fields, { cookie: 'chat_session=madeup' })).toEqual(no)
    })

    test.each(['', 'wrong'])('whoever shows %j for the secret is told nothing', async (secret) => {
      expect(await chat.ask('create_channel', { channel_name: 'chat', secret })).toBe(403)
    })

    test('a new channel begins with what was said, who came and who left', async () => {
      expect(await chat.ask('create_channel', { channel_name: 'chat' })).toEqual(created([]))
      expect(await chat.ask('subscribe', { channel_name: 'chat', user: 'ann' })).toEqual([true, expect.anything()])
      await say({ payload: '"hé <b>"', message_id: 'k1' })
      await say({ payload: '"again"' })
      await chat.ask('unsubscribe', { channel_name: 'chat', user: 'ann' })
      expect(await chat.ask('create_channel', { channel_name: 'chat' })).toEqual(
        created([
          ['SUBSCRIBE', { user: 'ann', datetime: time }],
          ['PUBLISH', { user: 'ann', payload: 'hé <b>', message_id: 'k1', datetime: time }],
          ['PUBLISH', { user: 'ann', payload: 'again', datetime: time }],
          ['UNSUBSCRIBE', { user: 'ann', datetime: time }],
        ]),
      )
    })

    test('what is told twice is kept once', async () => {
      await chat.ask('subscribe', { channel_name: 'chat', user: 'ann' }, { id: 'a' })
      await chat.ask('subscribe', { channel_name: 'chat', user: 'ann' }, { id: 'a' })
      await say({ payload: '"hi"', message_id: 'k1' })
      await say({ payload: '"hi"', message_id: 'k1' })
      await say({ payload: '"hi"', message_id: 'k1', originator: 'bob' })
      const [, { history }] = (await chat.ask('create_channel', { channel_name: 'chat' })) as [
        true,
        { history: Entry[] },
      ]
      expect(history.map(([kind]) => kind)).toEqual(['SUBSCRIBE', 'PUBLISH', 'PUBLISH'])
    })

    test('a new channel begins with the last 20 entries', async () => {
      for (let i = 0; i < 22; i++) await say({ payload: `"${i}"` })
      const [, { history }] = (await chat.ask('create_channel', { channel_name: 'chat' })) as [
        true,
        { history: Entry[] },
      ]
      expect(history.map(([, { payload }]) => payload)).toEqual(Array.from({ length: 20 }, (_, i) => String(i + 2)))
    })

    test.each(['"buy SPAM now"', '" "', '{"text":1}', 'null'])('%s is refused and not kept', async (payload) => {
      expect(await say({ payload })).toEqual([false, { error: 'no spam, please' }])
      expect(await chat.ask('create_channel', { channel_name: 'chat' })).toEqual(created([]))
    })

    test('there is one room, and there are no private messages', async () => {
      expect(await chat.ask('create_channel', { channel_name: 'other' })).toEqual([
        false,
        { error: 'there is no such room' },
      ])
      expect(await chat.ask('message', { sender: 'ann', recipient: 'bob' })).toEqual([
        false,
        { error: 'this chat does not do that' },
      ])
    })

    test.each(['disconnect', 'destroy_channel', 'hub_started'])('%s is allowed', async (action) => {
      const fields = { channel_name: 'chat', name: 'ann', channels: '["chat"]' }
      expect(await chat.ask(action, fields)).toEqual([true, expect.anything()])
    })
  })

  test.skipIf(!installed)(`${name}: a room on a real hub, with a history that outlives it`, async () => {
    const hubPort = await freePort()
    await using chat = await start(example, hubPort)
    const flags = ['--cbhost', '127.0.0.1', '--cbport', String(chat.port), '--webhook-secret', webhookSecret]
    await using hub = await startHubProcess(flags, { port: hubPort })

    await using stranger = await openWirePage(hub.wsUrl)
    await expect(stranger.connect()).rejects.toThrow('sign in first')

    const [ann, bob] = await Promise.all(['Ann', 'Bob'].map((one) => enter(chat, hub.wsUrl, one)))
    if (!ann || !bob) throw new Error('nobody came')
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    const entered = await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
    expect(entered.args.presence).toEqual(['Ann', 'Bob'])

    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 'hello', message_id: 'k1' })
    expect((await bob.next('PUBLISH')).args).toMatchObject({ user: 'Ann', payload: 'hello' })
    const refused = bob.ask('PUBLISH', { channel_name: 'chat', payload: 'spam', message_id: 'k2' })
    await expect(refused).rejects.toThrow('no spam, please')
    await bob.ask('UNSUBSCRIBE', { channel_name: 'chat' })

    await hub.restart()
    const again = await enter(chat, hub.wsUrl, 'Ann')
    const { history } = (await again.ask('SUBSCRIBE', { channel_name: 'chat' })).args
    expect(history?.map(([kind, { user }]) => [kind, user])).toEqual([
      ['SUBSCRIBE', 'Ann'],
      ['SUBSCRIBE', 'Bob'],
      ['PUBLISH', 'Ann'],
      ['UNSUBSCRIBE', 'Bob'],
      ['SUBSCRIBE', 'Ann'],
    ])
    await again.close()
  })
}

async function enter(chat: Running, wsUrl: string, name: string) {
  const cookie = await chat.signIn(name)
  const page = await openWirePage(wsUrl, { headers: { cookie } })
  expect((await page.connect()).name).toBe(name)
  return page
}

test('all of them serve the same page', async () => {
  const html = /<!doctype html><html lang="en"><meta charset="utf-8"><title>Chat<\/title>\n[\s\S]*?\n<\/script>/
  const php = await readFile(new URL('../php/index.php', import.meta.url), 'utf8')
  const python = await readFile(new URL('../python/chat.py', import.meta.url), 'utf8')
  const [page] = html.exec(php) ?? []
  expect(page).toBeDefined()
  expect(html.exec(python)?.[0]).toBe(page)
})
