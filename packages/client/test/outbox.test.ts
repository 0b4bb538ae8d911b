import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { clock, useClock } from './kit/clock.ts'
import { refusal, result, World } from './kit/world.ts'

useClock()

test('what is published before the connection is open waits, in order', async () => {
  const world = new World()
  const conn = world.connect()
  const one = conn.publish('chat', 1)
  const two = conn.message('bob', { n: 2 })
  const socket = await world.welcome()
  expect(socket.messages).toHaveLength(2)
  const [, publish, message] = socket.frames
  expect(publish).toMatchObject([2, 'PUBLISH', { channel_name: 'chat', payload: 1 }])
  expect(message).toMatchObject([3, 'MESSAGE', { name: 'bob', payload: { n: 2 } }])
  expect(publish?.[2].message_id).not.toBe(message?.[2].message_id)
  socket.hears(result(3), result(2, { position: 'e1:1' }))
  expect(await one).toEqual({ position: 'e1:1', duplicate: false })
  await two
})

test('what was not answered is sent again with the same id, and a repeat says so', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const generated = conn.publish('chat', 1)
  const chosen = conn.publish('chat', 2, { id: 'mine' })
  await clock.settle()
  const next = await world.breakLine()
  expect(socket.last('PUBLISH')[2].message_id).toBe('mine')
  await world.welcome()
  const repeats = next.frames.filter(([, name]) => name === 'PUBLISH')
  expect(repeats.map(([, , args]) => args)).toEqual(
    socket.frames.filter(([, name]) => name === 'PUBLISH').map(([, , args]) => args),
  )
  for (const [id] of repeats) next.hears(result(id, { position: 'e1:1', duplicate: true }))
  expect(await generated).toEqual({ position: 'e1:1', duplicate: true })
  await chosen
})

test('whenOffline: refuse does not let anything wait', async () => {
  const world = new World()
  const conn = world.connect({ whenOffline: 'refuse' })
  await expect(conn.publish('chat', 1)).rejects.toMatchObject({ code: 'offline', temporary: true })
  const socket = await world.welcome()
  const sent = conn.publish('chat', 2)
  await clock.settle()
  expect(socket.count('PUBLISH')).toBe(1)
  const next = await world.breakLine()
  await world.welcome()
  next.hears(result(next.last('PUBLISH')[0], { position: 'e1:1' }))
  await sent
})

test('the outbox is bounded in number and in time', async () => {
  const world = new World()
  const conn = world.connect({ whenOffline: { limit: 2, timeToLive: 3_000 } })
  const waiting = [conn.publish('chat', 1), conn.publish('chat', 2)]
  await expect(conn.publish('chat', 3)).rejects.toMatchObject({ code: 'too_many', temporary: true })
  await clock.turn(3_000)
  for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'offline' })
  const socket = await world.welcome().catch(() => world.socket)
  expect(socket.count('PUBLISH')).toBe(0)
})

test('what was sent and is older than the hub remembers ids for is not sent again', async () => {
  const world = new World()
  const conn = world.connect()
  await world.welcome()
  const published = conn.publish('chat', 1)
  await clock.settle()
  world.socket.ends(1006)
  // the page sleeps over it, so that no timer ran
  clock.suspend(300_000)
  await world.nextSocket()
  await world.welcome()
  expect(world.socket.count('PUBLISH')).toBe(0)
  await expect(published).rejects.toMatchObject({ code: 'outcome_unknown' })
})

test('an answer that never comes ends in outcome_unknown', async () => {
  const world = new World()
  const conn = world.connect()
  await world.welcome({ ping: 0 })
  const published = conn.publish('chat', 1)
  await clock.turn(300_000)
  await expect(published).rejects.toMatchObject({ code: 'outcome_unknown' })
})

test('a caller may give up waiting: what was not sent is not sent then', async () => {
  const world = new World()
  const conn = world.connect()
  const controller = new AbortController()
  const aborted = conn.publish('chat', 1, { signal: controller.signal })
  const late = conn.publish('chat', 2, { timeout: 1_000 })
  controller.abort(new Error('enough'))
  await expect(aborted).rejects.toMatchObject({ code: 'aborted', cause: new Error('enough') })
  await expect(conn.publish('chat', 3, { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
  await clock.turn(1_000)
  await expect(late).rejects.toMatchObject({ code: 'timeout' })
  await world.welcome()
  expect(world.socket.count('PUBLISH')).toBe(0)
})

test('a refusal reaches the one who published', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const published = conn.publish('chat', 1)
  await clock.settle()
  socket.hears(refusal(socket.last('PUBLISH')[0], 'refused', false, 'not your turn'))
  await expect(published).rejects.toMatchObject({ name: 'HookboxError', code: 'refused', message: 'not your turn' })
})

test('what is no JSON or too large is refused here', async () => {
  const world = new World()
  const conn = world.connect()
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  await expect(conn.publish('chat', cycle as never)).rejects.toMatchObject({ code: 'bad_request' })
  await expect(conn.publish('chat', undefined as never)).rejects.toMatchObject({ code: 'bad_request' })
  await expect(conn.publish('chat', '€'.repeat(30_000))).rejects.toMatchObject({ code: 'too_large' })
  const socket = await world.welcome({ limits: { frame: 1_000, message: 1_000, channels: 1 } })
  await expect(conn.publish('chat', 'x'.repeat(1_000))).rejects.toMatchObject({ code: 'too_large' })
  expect(socket.frames).toHaveLength(1)
})

test('what is published just before a disconnect still goes out', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const published = conn.publish('chat', 'bye')
  conn.disconnect()
  expect(socket.last('PUBLISH')[2].payload).toBe('bye')
  await expect(published).rejects.toMatchObject({ code: 'closed' })
})

test('a signal that outlives what it was given for holds nothing of it', async () => {
  const world = new World()
  const { signal } = new AbortController()
  const conn = world.connect()
  const socket = await world.welcome()
  const published = [1, 2, 3].map((payload) => conn.publish('chat', payload, { signal }))
  await clock.settle()
  expect(getEventListeners(signal, 'abort')).toHaveLength(3)
  // what Node unbinds by another signal it unbinds only where nothing was collected before
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  socket.hears(...[2, 3, 4].map((id) => result(id, { position: `e1:${id}` })))
  await Promise.all(published)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})
