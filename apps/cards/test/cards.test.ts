import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createCardsApp } from '../app.ts'
import { Absence, cardsCallbacks } from '../callbacks.ts'
import { seededRandom } from '../cards.ts'
import { Dealer } from '../dealer.ts'
import { Sessions } from '../sessions.ts'
import { Table, type TableState, type Told, type View } from '../table.ts'

const webhookSecret = 'a secret for the tests'
const apiSecurityToken = 'another secret for the tests'
/** The hub is told after the reply: at once, but on a busy machine later. */
const soon = { timeout: 8_000 }

interface Call {
  method: string
  fields: { [name: string]: unknown }
}

/** The hub's REST interface, as far as this application knows it. */
let hub: { calls: Call[]; status: number; stop: () => Promise<void> }
let cards: { url: string; stop: () => Promise<void> }

async function listen(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url, stop }
}

beforeEach(async () => {
  const calls: Call[] = []
  const rest = await listen(
    createServer(async (request, response) => {
      let body = ''
      for await (const bytes of request) body += bytes
      const isKnown = request.headers.authorization === `Bearer ${apiSecurityToken}`
      if (isKnown) calls.push({ method: request.url?.slice('/rest/'.length) ?? '', fields: JSON.parse(body) })
      response.writeHead(isKnown ? hub.status : 401).end('[true, {}]')
    }),
  )
  hub = { calls, status: 200, stop: rest.stop }
  const { app, close } = createCardsApp({
    hubUrl: (hostname) => `http://${hostname}:8003`,
    restUrl: rest.url,
    apiSecurityToken,
    webhookSecret,
    seed: 1,
  })
  const own = await listen(createServer(app))
  cards = {
    url: own.url,
    stop: async () => {
      await own.stop()
      close()
    },
  }
})

afterEach(async () => {
  vi.useRealTimers()
  await cards.stop()
  await hub.stop()
})

/** Asks as the hub does. */
async function ask(name: string, fields: Record<string, string> = {}, cookie = '') {
  const response = await fetch(`${cards.url}/hookbox/${name}`, {
    method: 'POST',
    body: new URLSearchParams({ action: name, secret: webhookSecret, ...fields }),
    headers: cookie ? { cookie } : {},
  })
  expect(response.status).toBe(200)
  return (await response.json()) as [boolean, Record<string, unknown>]
}

function signIn(name: string, cookie = '') {
  const body = new URLSearchParams({ name })
  return fetch(`${cards.url}/sign-in`, { method: 'POST', body, redirect: 'manual', headers: cookie ? { cookie } : {} })
}

interface Person {
  name: string
  cookie: string
  act(action: object, messageId?: string): Promise<[boolean, Record<string, unknown>]>
}

/** Somebody whose page is open. */
async function enter(name: string): Promise<Person> {
  const response = await signIn(name)
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
  expect(await ask('connect', { conn_id: '1', payload: 'null' }, cookie)).toEqual([true, { name }])
  const act: Person['act'] = (action, messageId) => {
    const fields = { channel_name: 'table', originator: name, payload: JSON.stringify(action) }
    return ask('publish', { ...fields, ...(messageId && { message_id: messageId }) }, cookie)
  }
  return { name, cookie, act }
}

async function sitDown(...names: string[]): Promise<Person[]> {
  const people: Person[] = []
  for (const name of names) {
    const person = await enter(name)
    expect(await person.act({ move: 'sit' })).toEqual([true, { override_payload: { move: 'sit' } }])
    people.push(person)
  }
  return people
}

async function table() {
  const [, details] = await ask('create_channel', { channel_name: 'table' })
  return details as { state: TableState; history: ['PUBLISH', { user: string; payload: Told; message_id?: string }][] }
}

async function look(person: Person): Promise<View> {
  const [, details] = await person.act({ move: 'look' })
  expect(details.only_to_sender).toBe(true)
  return details.override_payload as View
}

/** The last that was told by this method; waits for it, since it comes after the reply. */
function told(method: string, expected: object) {
  return vi.waitFor(
    () => expect(hub.calls.findLast((call) => call.method === method)?.fields).toMatchObject(expected),
    soon,
  )
}

const messagesTo = (name: string) =>
  hub.calls.filter(({ method, fields }) => method === 'message' && fields.recipient_name === name)

test('a stranger sees the door, whoever has signed in the table', async () => {
  expect(await (await fetch(cards.url)).text()).toContain('Your name')
  const { cookie } = await enter('Ann')
  const page = await fetch(cards.url, { headers: { cookie } })
  expect(await page.text()).toContain('<script src="http://127.0.0.1:8003/static/hookbox.js"></script>')
  const policy = page.headers.get('content-security-policy')
  expect(policy).toContain("connect-src 'self' http://127.0.0.1:8003 ws://127.0.0.1:8003")
})

test.each([
  { name: 'nothing', given: '  ', status: 400, error: 'A name has 1 to 20 letters or digits.' },
  { name: 'markup', given: '<b>Ann</b>', status: 400, error: 'A name has 1 to 20 letters or digits.' },
  { name: 'the name of the dealer', given: 'dealer', status: 409, error: 'Somebody called dealer is here already.' },
  { name: 'the name of somebody here', given: 'ANN', status: 409, error: 'Somebody called ANN is here already.' },
])('$name is refused as a name', async ({ given, status, error }) => {
  await enter('Ann')
  const response = await signIn(given)
  expect(response.status).toBe(status)
  const page = await response.text()
  expect(page).toContain(error)
  expect(page).not.toContain('<b>')
})

test('a name is free again once its last page has gone, and the old cookie is worth nothing then', async () => {
  const ann = await enter('Ann')
  await ask('disconnect', { name: 'Ann', channels: '["table"]' }, ann.cookie)
  await enter('Ann')
  expect(await ask('connect', {}, ann.cookie)).toEqual([false, { error: 'Please sign in first.' }])
})

test('signing out gives the seat up and puts out every page under the name', async () => {
  const [ann] = await sitDown('Ann', 'Bob')
  await fetch(`${cards.url}/sign-out`, { method: 'POST', headers: { cookie: ann?.cookie ?? '' }, redirect: 'manual' })
  await told('disconnect_user', { user_name: 'Ann' })
  await told('publish', { channel_name: 'table', originator: 'Ann', payload: { move: 'leave' } })
  expect((await table()).state.seats).toEqual([{ name: 'Bob', cards: 0 }])
  expect(await ann?.act({ move: 'sit' })).toEqual([false, { error: 'You have signed out.' }])
})

test('nobody moves for somebody else', async () => {
  const [ann] = await sitDown('Ann', 'Bob')
  const fields = { channel_name: 'table', originator: 'Bob', payload: '{"move":"deal"}' }
  expect(await ask('publish', fields, ann?.cookie)).toEqual([false, { error: 'You have signed out.' }])
  expect(await ask('publish', fields)).toEqual([false, { error: 'You have signed out.' }])
})

test('the channel begins with the table as it is', async () => {
  expect(await table()).toEqual({
    state: {
      phase: 'waiting',
      seats: [],
      turn: null,
      top: null,
      suit: null,
      deck: 0,
      pile: 0,
      end: null,
      game: 0,
      moves: 0,
    },
    history_size: 30,
    history: [],
    history_publish_only: true,
    presenceful: true,
  })
})

test('there is one table', async () => {
  expect(await ask('create_channel', { channel_name: 'cellar' })).toEqual([
    false,
    { error: 'There is no table called “cellar”.' },
  ])
})

test('a deal is told to all without a card, the table by the state, and each hand to its player alone', async () => {
  const [ann, bob] = await sitDown('Ann', 'Bob')
  expect(await ann?.act({ move: 'deal' })).toEqual([true, { override_payload: { move: 'deal', turn: 'Ann' } }])
  await told('set_channel_options', {
    channel_name: 'table',
    state: { phase: 'playing', turn: 'Ann', deck: 37, pile: 1 },
  })
  for (const person of [ann, bob] as [Person, Person]) {
    const view = await look(person)
    expect(view.hand).toHaveLength(7)
    await vi.waitFor(() => {
      expect(messagesTo(person.name).at(-1)?.fields).toMatchObject({
        sender_name: 'Dealer',
        payload: { hand: view.hand },
      })
    }, soon)
  }
  const forAll = JSON.stringify(hub.calls.filter(({ method }) => method !== 'message'))
  expect(forAll).not.toContain('hand')
})

test('a drawn card is nobody else’s business', async () => {
  const [ann, bob] = (await sitDown('Ann', 'Bob')) as [Person, Person]
  await ann.act({ move: 'deal' })
  const before = await look(ann)
  const reply = await ann.act({ move: 'draw', card: 'AS' })
  expect(reply).toEqual([true, { override_payload: { move: 'draw', cards: 8, turn: expect.any(String) } }])
  const now = await look(ann)
  expect(now.hand).toHaveLength(8)
  const [card] = now.hand.filter((one) => !before.hand.includes(one))
  await vi.waitFor(() => expect(messagesTo('Ann').at(-1)?.fields.payload).toMatchObject({ hand: now.hand }), soon)
  const others = hub.calls.filter(({ method, fields }) => method === 'message' && fields.recipient_name !== 'Ann')
  expect(JSON.stringify(others)).not.toContain(`"${card}"`)
  expect((await look(bob)).hand).not.toContain(card)
})

test('a played card is told with what follows from it, and with nothing else that the page sent', async () => {
  const [ann] = (await sitDown('Ann', 'Bob')) as [Person, Person]
  await ann.act({ move: 'deal' })
  const { playable } = await look(ann)
  const card = playable.find((one) => !one.startsWith('8'))
  expect(await ann.act({ move: 'play', card, suit: 'C', cards: 0, boast: 'I win' })).toEqual([
    true,
    { override_payload: { move: 'play', card, cards: 6, turn: 'Bob' } },
  ])
  expect((await table()).state).toMatchObject({ top: card, turn: 'Bob', pile: 2 })
})

test('a move out of turn is refused with the reason, and nothing changes', async () => {
  const [ann, bob] = (await sitDown('Ann', 'Bob')) as [Person, Person]
  await ann.act({ move: 'deal' })
  const { state } = await table()
  expect(await bob.act({ move: 'draw' })).toEqual([false, { error: 'It is Ann’s turn.' }])
  expect((await table()).state).toEqual(state)
})

test('a move that is asked about again is made once', async () => {
  const [ann] = (await sitDown('Ann', 'Bob')) as [Person, Person]
  await ann.act({ move: 'deal' }, 'key-1')
  const reply = await ann.act({ move: 'draw' }, 'key-2')
  expect(await ann.act({ move: 'draw' }, 'key-2')).toEqual(reply)
  expect((await look(ann)).hand).toHaveLength(8)
  expect((await table()).history.at(-1)?.[1]).toMatchObject({ user: 'Ann', message_id: 'key-2' })
})

test.each([
  { name: 'dealing for oneself alone', seated: ['Ann'], action: { move: 'deal' }, error: 'It takes two to play.' },
  { name: 'sitting twice', seated: ['Ann'], action: { move: 'sit' }, error: 'You have a seat already.' },
  { name: 'playing before the deal', seated: ['Ann'], action: { move: 'draw' }, error: 'No game is on: deal first.' },
  {
    name: 'dealing from behind',
    seated: [],
    action: { move: 'deal' },
    error: 'You are only watching: take a seat first.',
  },
  {
    name: 'a card that does not exist',
    seated: ['Ann'],
    action: { move: 'play', card: '1S' },
    error: 'That is no move.',
  },
  { name: 'a word that is no move', seated: ['Ann'], action: { move: 'constructor' }, error: 'That is no move.' },
  { name: 'nothing', seated: ['Ann'], action: [], error: 'That is no move.' },
])('$name is refused', async ({ seated, action, error }) => {
  const [person = await enter('Ann')] = await sitDown(...seated)
  expect(await person.act(action)).toEqual([false, { error }])
})

test('there are four seats, and none to be had while a game is on', async () => {
  const [ann] = (await sitDown('Ann', 'Bob', 'Cleo', 'Dora')) as [Person]
  const eve = await enter('Eve')
  expect(await eve.act({ move: 'sit' })).toEqual([false, { error: 'All seats are taken.' }])
  await ann.act({ move: 'deal' })
  expect(await ann.act({ move: 'deal' })).toEqual([false, { error: 'A game is on already.' }])
  expect(await eve.act({ move: 'sit' })).toEqual([false, { error: 'A game is on: wait until it is over.' }])
  expect((await look(eve)).hand).toEqual([])
})

test('whoever is gone gives the seat up, the others are told, and the next deal goes to those who are there', async () => {
  const [ann, bob, cleo] = (await sitDown('Ann', 'Bob', 'Cleo')) as [Person, Person, Person]
  await ann.act({ move: 'deal' })
  await ask('disconnect', { name: 'Ann', channels: '["table"]' }, ann.cookie)
  await told('publish', { originator: 'Ann', payload: { move: 'leave', turn: 'Bob' } })
  expect(await bob.act({ move: 'leave' })).toEqual([
    true,
    { override_payload: { move: 'leave', end: { winners: ['Cleo'], reason: 'alone' } } },
  ])
  await told('set_channel_options', { state: { phase: 'over', seats: [{ name: 'Cleo', cards: 5 }] } })
  await bob.act({ move: 'sit' })
  expect(await bob.act({ move: 'deal' })).toEqual([true, { override_payload: { move: 'deal', turn: 'Bob' } }])
  expect((await look(cleo)).hand).toHaveLength(7)
})

test('what the hub could not be told is told when it can', async () => {
  hub.status = 503
  vi.spyOn(console, 'error').mockReturnValue()
  await sitDown('Ann')
  await told('set_channel_options', { state: { seats: [{ name: 'Ann' }] } })
  hub.calls.length = 0
  hub.status = 200
  await vi.waitFor(() => expect(messagesTo('Ann')).toHaveLength(1), soon)
  await told('set_channel_options', { state: { seats: [{ name: 'Ann' }] } })
})

test('nothing is told twice', async () => {
  const ann = await enter('Ann')
  await ann.act({ move: 'sit' })
  await told('set_channel_options', { state: { seats: [{ name: 'Ann' }] } })
  const count = hub.calls.filter(({ method }) => method === 'set_channel_options').length
  await look(ann)
  await ann.act({ move: 'sit' })
  await ask('disconnect', { name: 'Nobody', channels: '[]' })
  await ann.act({ move: 'leave' })
  await told('set_channel_options', { state: { seats: [] } })
  expect(hub.calls.filter(({ method }) => method === 'set_channel_options')).toHaveLength(count + 1)
})

test('when a hub starts anew, seats and names are kept for a while, and then for those who came back', () => {
  vi.useFakeTimers()
  const table = new Table(seededRandom(1))
  const sessions = new Sessions()
  const dealer = new Dealer(table, async () => 'done')
  const callbacks = cardsCallbacks(table, sessions, dealer, new Absence(20_000))
  for (const name of ['Ann', 'Bob']) {
    const session = sessions.signIn(name)
    callbacks.connect?.({}, session)
    table.act(name, { move: 'sit' })
  }
  callbacks.hub_started?.({}, undefined)
  for (const name of table.seats) expect(sessions.signIn(name)).toBeUndefined()
  sessions.came('Bob')
  vi.advanceTimersByTime(19_999)
  expect(table.seats).toEqual(['Ann', 'Bob'])
  vi.advanceTimersByTime(1)
  expect(table.seats).toEqual(['Bob'])
  expect(sessions.signIn('Ann')).toBeDefined()
})

test('players cannot pass for the dealer', async () => {
  const fields = { sender: 'Bob', recipient: 'Ann', recipient_exists: 'true', payload: '{"hand":[]}' }
  expect(await ask('message', fields)).toEqual([false, { error: expect.any(String) }])
})

test.each(['subscribe', 'unsubscribe', 'destroy_channel'])('%s is answered with yes', async (name) => {
  expect(await ask(name, { channel_name: 'table', user: 'Ann' })).toEqual([true, {}])
})

test('a wrong secret opens nothing, and a callback that does not exist is not found', async () => {
  const post = (name: string, secret: string) =>
    fetch(`${cards.url}/hookbox/${name}`, { method: 'POST', body: new URLSearchParams({ secret }) })
  expect((await post('publish', 'guessed')).status).toBe(403)
  expect((await post('constructor', webhookSecret)).status).toBe(404)
})
