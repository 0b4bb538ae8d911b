import { HookboxError } from '@hookbox/protocol'
import { deferred } from '@hookbox/testkit'
import { afterEach, expect, test } from 'vitest'
import { defaultUserOptions, writeUserOptions } from '../../src/hub/user-options.ts'
import {
  comeBack,
  comings,
  enter,
  holdEntering,
  type Joining,
  memoryNodes,
  Nodes,
  subscribe,
  unsubscribe,
  visit,
} from '../kit/nodes.ts'

const room = { presenceful: true, history_size: 10 }
const presence = { told: true, kept: true, keep: { size: 10, duration: 0, publishOnly: false } }

let nodes: Nodes

async function begin(joining: Joining = {}) {
  nodes = await Nodes.begin(memoryNodes, { create_channel: room }, { linger: 15_000 }, joining)
  return { a: nodes.a, b: nodes.b, watcher: await enter(nodes.b, 'bob') }
}

afterEach(() => nodes[Symbol.asyncDispose]())

/** The broker has again what had been taken away: a connection of this node's, and who is in the channel by it. */
async function resurrect(node: Nodes['a'], user: string, connection: string, noted = true): Promise<void> {
  const { users, presence: present } = node.broker
  if (noted) {
    const byDefault = writeUserOptions(defaultUserOptions)
    const record = { id: connection, user, pageId: connection, cookies: undefined, address: undefined }
    await users.enter(record, { byDefault, changes: {} })
    await users.update(user, connection, { channels: new Map([['chat', 'asked']]) })
  }
  const join = { name: 'SUBSCRIBE', inside: `"user":"${user}"`, at: 0 } as const
  await present.enter('chat', { user, connection }, join, { ...presence, anyway: true })
}

const subscribers = async () => (await nodes.b.hub.application.channelInfo('chat')).subscribers

test('a connection that has ended and is noted again as a node’s own is ended by that node, whoever notices', async () => {
  const { a, b, watcher } = await begin()
  await resurrect(a, 'ghost', 'gone')
  for (const { hub } of [a, b]) void hub.reconciliation.run()
  await nodes.advance(9_999)
  expect(await subscribers()).toEqual(['bob', 'ghost'])
  await nodes.advance(1)
  await nodes.eventually(async () => expect(await subscribers()).toEqual(['bob']))
  expect(comings(watcher)).toEqual(['+ghost', '-ghost'])
  expect((await b.hub.application.info()).users).toEqual(['bob'])
  expect(nodes.asked('unsubscribe')).toEqual([])
  expect(nodes.asked('disconnect')).toEqual([])
})

test('who is in a channel by a connection that is noted nowhere is there no more', async () => {
  const { a, b, watcher } = await begin()
  await resurrect(a, 'ghost', 'gone', false)
  await resurrect(a, 'bob', 'another line', false)
  for (const { hub } of [a, b]) void hub.reconciliation.run()
  await nodes.advance(10_000)
  await nodes.eventually(async () => expect(await subscribers()).toEqual(['bob']))
  expect((await a.broker.presence.find('chat', 'bob')).connections).toEqual([watcher.connection.id])
  expect(comings(watcher)).toEqual(['+ghost', '-ghost'])
})

test('who is brought back into a channel after the nodes have begun to look is there no more in the end', async () => {
  const { a, b } = await begin()
  for (const { hub } of [a, b]) void hub.reconciliation.run()
  await nodes.advance(1_000)
  await resurrect(a, 'ghost', 'gone', false)
  await nodes.advance(9_000)
  await nodes.eventually(async () => expect(await subscribers()).toEqual(['bob']))
})

/** Somebody whose line has broken off while it is on the way to the broker, once more, that they are in the channel. */
async function writtenAgain(node: Nodes['a'], besides: readonly string[] = []) {
  const ann = await visit(node, 'ann')
  for (const name of [...besides, 'chat']) await subscribe(ann.page, name)
  const entering = holdEntering(node)
  void node.hub.reconciliation.run()
  await entering.begun
  ann.page.cut()
  return { ann, entering }
}

test('a page that leaves a channel at another node, while it is written again here that it is there, is there no more', async () => {
  const { a, b } = await begin()
  const { ann, entering } = await writtenAgain(a)
  const { page } = await comeBack(b, ann)
  await subscribe(page)
  await unsubscribe(page)
  await nodes.eventually(async () => expect(await subscribers()).toEqual(['bob']))
  entering.arrive()
  await nodes.quiet()
  expect(await subscribers()).toEqual(['bob'])
})

test('a channel that is destroyed while it is written again who is in it keeps nobody from looking after the others', async () => {
  const { a, b } = await begin()
  const { ann, entering } = await writtenAgain(a, ['attic'])
  void b.hub.reconciliation.run()
  const { page } = await comeBack(b, ann)
  await subscribe(page)
  await unsubscribe(page)
  await b.hub.application.destroyChannel('attic', false)
  await resurrect(b, 'ghost', 'gone', false)
  entering.arrive()
  await nodes.quiet()
  expect(await subscribers()).toEqual(['bob', 'ghost'])
  await nodes.advance(10_000)
  await nodes.eventually(async () => expect(await subscribers()).toEqual(['bob']))
})

test('a page that is back at another node, while it is written again here that it is in a channel, stays in it', async () => {
  const { a, b, watcher } = await begin()
  const { ann, entering } = await writtenAgain(a)
  await comeBack(b, ann)
  await nodes.quiet()
  entering.arrive()
  await nodes.quiet()
  expect(await subscribers()).toEqual(['bob', 'ann'])
  expect(comings(watcher)).toEqual(['+ann'])
})

test('a connection that became another node’s while it was to be written again is not written again', async () => {
  const { a, b, watcher } = await begin()
  const ann = await visit(a, 'ann')
  await subscribe(ann.page)
  const { users } = a.broker
  const begun = deferred<void>()
  const arrived = deferred<void>()
  const update: typeof users.update = async (...args) => {
    begun.resolve()
    await arrived.promise
    return users.update(...args)
  }
  const held = new Proxy(users, { get: (target, key) => (key === 'update' ? update : Reflect.get(target, key)) })
  Object.assign(a.broker, { users: held })
  void a.hub.reconciliation.run()
  await begun.promise
  const { page } = await comeBack(b, ann)
  await subscribe(page)
  await unsubscribe(page)
  arrived.resolve()
  await nodes.quiet()
  expect(await subscribers()).toEqual(['bob'])
  expect(comings(watcher)).toEqual(['+ann', '-ann'])
})

test('a connection of a node that is gone, from which nobody takes over, lingers and leaves', async () => {
  const inherits = deferred<void>()
  const { a, b } = await begin({ inherits: inherits.promise })
  const c = await nodes.join({ inherits: inherits.promise })
  await resurrect(c, 'ghost', 'gone')
  await nodes.crash(c)
  for (const { hub } of [a, b]) void hub.reconciliation.run()
  // They wait before they look.
  await nodes.advance(5_000)
  await nodes.advance(14_999)
  expect(await subscribers()).toEqual(['bob', 'ghost'])
  await nodes.advance(1)
  await nodes.eventually(async () => expect(await subscribers()).toEqual(['bob']))
  inherits.resolve()
})

test('who is just coming, and who is there, stays', async () => {
  const { a, b, watcher } = await begin()
  for (const { hub } of [a, b]) void hub.reconciliation.run()
  const ann = await enter(a, 'ann')
  await nodes.advance(10_000)
  expect(await subscribers()).toEqual(['bob', 'ann'])
  expect(comings(watcher)).toEqual(['+ann'])
  expect(ann.end).toBeUndefined()
})

test('what cannot be looked at for the moment is looked at again', async () => {
  const { a, b } = await begin()
  await resurrect(a, 'ghost', 'gone', false)
  const { presence: present } = b.broker
  let attempts = 0
  const all: typeof present.all = async (channel) => {
    if (++attempts === 1) throw new HookboxError('unavailable', 'the broker is away')
    return present.all(channel)
  }
  const failing = new Proxy(present, { get: (target, key) => (key === 'all' ? all : Reflect.get(target, key)) })
  for (const { broker, hub } of [a, b]) {
    Object.assign(broker, { presence: failing })
    void hub.reconciliation.run()
  }
  await nodes.advance(11_000)
  await nodes.eventually(async () => expect(await subscribers()).toEqual(['bob']))
})
