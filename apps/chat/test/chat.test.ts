import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createChatApp } from '../app.ts'

const webhookSecret = 'a secret for the tests'
let folder: string
let chat: { url: string; stop: () => Promise<void> }

async function start() {
  const { app, close } = createChatApp({
    databaseFile: join(folder, 'chat.sqlite'),
    hubUrl: (hostname) => `http://${hostname}:8001`,
    webhookSecret,
  })
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    close()
  }
  return { url: `http://127.0.0.1:${port}`, stop }
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chat-'))
  chat = await start()
})

afterEach(async () => {
  await chat.stop()
  await rm(folder, { recursive: true })
})

/** Asks as the hub does. */
async function ask(name: string, fields: Record<string, string> = {}, cookie = '') {
  const response = await fetch(`${chat.url}/hookbox/${name}`, {
    method: 'POST',
    body: new URLSearchParams({ action: name, secret: webhookSecret, ...fields }),
    headers: cookie ? { cookie } : {},
  })
  expect(response.status).toBe(200)
  return (await response.json()) as [boolean, Record<string, unknown>]
}

function signIn(name: string) {
  return fetch(`${chat.url}/sign-in`, { method: 'POST', body: new URLSearchParams({ name }), redirect: 'manual' })
}

/** The `Cookie` header of a browser that has signed in. */
async function cookieOf(name: string) {
  const response = await signIn(name)
  return response.headers.get('set-cookie')?.split(';')[0] ?? ''
}

const say = (user: string, text: string, message_id?: string) =>
  ask('publish', {
    channel_name: 'chat',
    originator: user,
    payload: JSON.stringify({ text }),
    ...(message_id && { message_id }),
  })

async function history() {
  const [, details] = await ask('create_channel', { channel_name: 'chat' })
  return details.history as [string, { user: string; payload?: { text: string }; datetime: string }][]
}

const texts = async () => (await history()).map(([, { payload }]) => payload?.text)

test('signing in sets a cookie that scripts cannot read and leads back to the room', async () => {
  const response = await signIn('Ann')
  expect(response.status).toBe(303)
  expect(response.headers.get('location')).toBe('/')
  expect(response.headers.get('set-cookie')).toMatch(
    /^chat_session=[\w-]{32}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=/,
  )
})

test('whoever is a stranger sees the door, whoever has signed in the room', async () => {
  const door = await fetch(chat.url)
  expect(await door.text()).toContain('Your name')
  const room = await fetch(chat.url, { headers: { cookie: await cookieOf('Ann') } })
  expect(await room.text()).toContain('Here now')
})

test('the page finds the hub on the hostname it was opened with', async () => {
  const page = await fetch(chat.url, { headers: { cookie: await cookieOf('Ann') } })
  expect(await page.text()).toContain('<script src="http://127.0.0.1:8001/static/hookbox.js"></script>')
  const policy = page.headers.get('content-security-policy')
  expect(policy).toContain("connect-src 'self' http://127.0.0.1:8001 ws://127.0.0.1:8001")
})

test.each([
  { name: 'nothing', given: '  ' },
  { name: 'markup', given: '<b>Ann</b>' },
  { name: '21 letters', given: 'a'.repeat(21) },
])('a name of $name is refused and shown again as text', async ({ given }) => {
  const response = await signIn(given)
  expect(response.status).toBe(400)
  const page = await response.text()
  expect(page).toContain('A name has 1 to 20 letters or digits.')
  expect(page).not.toContain('<b>')
})

test('the name behind the cookie is who connects', async () => {
  expect(await ask('connect', { conn_id: '1', payload: 'null' }, `a=b; ${await cookieOf('Ann')}`)).toEqual([
    true,
    { name: 'Ann' },
  ])
})

test.each([
  { name: 'no cookie', cookie: '' },
  { name: 'a cookie of nobody', cookie: 'chat_session=made-up' },
])('$name connects nobody', async ({ cookie }) => {
  expect(await ask('connect', {}, cookie)).toEqual([false, { error: 'Please sign in first.' }])
})

test('signing out ends the session, in the other tab too', async () => {
  const cookie = await cookieOf('Ann')
  await fetch(`${chat.url}/sign-out`, { method: 'POST', headers: { cookie }, redirect: 'manual' })
  expect(await ask('connect', {}, cookie)).toEqual([false, expect.anything()])
  expect(
    await ask('publish', { channel_name: 'chat', originator: 'Ann', payload: '{"text":"still here"}' }, cookie),
  ).toEqual([false, { error: 'You have signed out.' }])
})

test('the room is presenceful, reflective and remembers 20', async () => {
  expect(await ask('create_channel', { channel_name: 'chat' })).toEqual([
    true,
    { history_size: 20, presenceful: true, reflective: true, history: [] },
  ])
})

test('an unknown room is refused', async () => {
  expect(await ask('create_channel', { channel_name: 'attic' })).toEqual([
    false,
    { error: 'There is no room called “attic”.' },
  ])
})

test('messages, joins and leaves come back as the history of the room, the last 20 of them', async () => {
  await ask('subscribe', { channel_name: 'chat', user: 'Ann' })
  await say('Ann', 'first', 'key-1')
  await ask('unsubscribe', { channel_name: 'chat', user: 'Ann' })
  const datetime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/)
  expect(await history()).toEqual([
    ['SUBSCRIBE', { user: 'Ann', datetime }],
    ['PUBLISH', { user: 'Ann', payload: { text: 'first' }, datetime, message_id: 'key-1' }],
    ['UNSUBSCRIBE', { user: 'Ann', datetime }],
  ])
  for (let number = 1; number <= 20; number += 1) await say('Ann', `number ${number}`)
  expect(await texts()).toEqual(Array.from({ length: 20 }, (_, index) => `number ${index + 1}`))
})

test('the history outlives the application', async () => {
  await say('Ann', 'kept')
  await chat.stop()
  chat = await start()
  expect(await texts()).toEqual(['kept'])
})

test('a message that is asked about again is kept once', async () => {
  expect(await say('Ann', 'once', 'key')).toEqual([true, { override_payload: { text: 'once' } }])
  expect(await say('Ann', 'once', 'key')).toEqual([true, { override_payload: { text: 'once' } }])
  expect(await texts()).toEqual(['once'])
})

test('nobody else can take a message’s key away from its author', async () => {
  await say('Ann', 'mine', 'key')
  await say('Bob', 'mine too', 'key')
  expect(await texts()).toEqual(['mine', 'mine too'])
})

test.each([
  { name: 'a word that is not wanted', text: 'Buy SPAM now', error: 'No spam in here, please.' },
  { name: 'nothing but space', text: ' \n ', error: 'A message needs some text.' },
  { name: '501 characters', text: '🙂'.repeat(501), error: 'A message has at most 500 characters.' },
])('$name is refused and not kept', async ({ text, error }) => {
  expect(await say('Ann', text)).toEqual([false, { error }])
  expect(await history()).toEqual([])
})

test.each(['null', '"text"', '{"text":1}', '{', '[]'])('the payload %s is refused', async (payload) => {
  expect(await ask('publish', { channel_name: 'chat', originator: 'Ann', payload })).toEqual([
    false,
    { error: 'A message needs some text.' },
  ])
})

test('500 characters are fine, and only the text travels on', async () => {
  const text = '🙂'.repeat(500)
  const payload = JSON.stringify({ text: ` ${text} `, admin: true })
  const reply = await ask('publish', { channel_name: 'chat', originator: 'Ann', payload })
  expect(reply).toEqual([true, { override_payload: { text } }])
})

test('a leave that the hub tells twice is kept once', async () => {
  await ask('subscribe', { channel_name: 'chat', user: 'Ann' })
  await ask('unsubscribe', { channel_name: 'chat', user: 'Ann' })
  await ask('unsubscribe', { channel_name: 'chat', user: 'Ann' })
  expect((await history()).map(([kind]) => kind)).toEqual(['SUBSCRIBE', 'UNSUBSCRIBE'])
})

test('when a hub starts anew, those who were here have left', async () => {
  await ask('subscribe', { channel_name: 'chat', user: 'Ann' })
  await ask('subscribe', { channel_name: 'chat', user: 'Bob' })
  await ask('unsubscribe', { channel_name: 'chat', user: 'Bob' })
  await ask('hub_started', { node: 'one' })
  const moves = (await history()).map(([kind, { user }]) => `${kind} ${user}`)
  expect(moves).toEqual(['SUBSCRIBE Ann', 'SUBSCRIBE Bob', 'UNSUBSCRIBE Bob', 'UNSUBSCRIBE Ann'])
})

test.each(['disconnect', 'destroy_channel'])('%s is answered with yes', async (name) => {
  expect(await ask(name, { channel_name: 'chat', name: 'Ann', channels: '["chat"]' })).toEqual([true, {}])
})

test.each([
  { name: 'a wrong secret', body: 'secret=guessed' },
  { name: 'no secret', body: '' },
])('$name opens nothing', async ({ body }) => {
  const response = await fetch(`${chat.url}/hookbox/publish`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  expect(response.status).toBe(403)
})

test('a callback that does not exist is not found', async () => {
  const body = new URLSearchParams({ secret: webhookSecret })
  const response = await fetch(`${chat.url}/hookbox/constructor`, { method: 'POST', body })
  expect(response.status).toBe(404)
})
