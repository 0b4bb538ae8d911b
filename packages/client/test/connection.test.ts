import { expect, test } from 'vitest'
import { clock, useClock } from './kit/clock.ts'
import { publish, result, subscribed, World } from './kit/world.ts'

useClock()

test('a connection connects, subscribes, hears and publishes', async () => {
  const world = new World()
  const conn = world.connect({ payload: { room: 1 }, cookies: 'a=1' })
  const chat = conn.subscribe<string>('chat')
  const heard: unknown[] = []
  chat.on('publish', (event) => heard.push(event.payload))
  expect(conn.status).toBe('connecting')
  await clock.settle()
  expect(world.socket.url).toBe('wss://hub.example.org/ws')
  expect(world.socket.protocols).toBe('hookbox.v1')
  world.socket.opens()
  expect(world.socket.messages).toHaveLength(1)
  expect(world.socket.frames).toEqual([
    [1, 'CONNECT', { payload: { room: 1 }, cookie_string: 'a=1', since: {}, client: 'hookbox-js/source' }],
    [2, 'SUBSCRIBE', { channel_name: 'chat' }],
  ])
  await world.welcome().catch(() => {})
  expect(conn.status).toBe('connected')
  expect(conn.user).toBe('ann')
  world.socket.hears(subscribed(2, 'chat', { position: 'e1:4' }), publish('chat', 5, 'hello'))
  await chat.ready
  expect(heard).toEqual(['hello'])
  expect(chat.position).toBe('e1:5')
  const published = chat.publish('mine')
  await clock.settle()
  const [id, , args] = world.socket.last('PUBLISH')
  expect(args).toMatchObject({ channel_name: 'chat', payload: 'mine' })
  world.socket.hears(result(id, { position: 'e1:6' }))
  expect(await published).toEqual({ position: 'e1:6', duplicate: false })
})
