import { createServer } from 'node:net'
import { expect, test, vi } from 'vitest'
import * as servers from './servers.ts'
import { checkFree, portsFrom } from './start-ports.ts'
import { needSharedRedis } from './start-redis.ts'

const noNodes = { chatNodes: [], graphNodes: [], cardsNodes: [] }

test('without variables the demos are at their documented ports', () => {
  const demos = { home: 8000, chat: 8010, graph: 8020, cards: 8030 }
  expect(portsFrom({})).toEqual({ ...demos, chatHub: 8001, graphHub: 8002, cardsHub: 8003, ...noNodes })
})

test('two variables move them all', () => {
  const ports = portsFrom({ PORT: '9100', HOOKBOX_PORT: '9200' })
  const demos = { home: 9100, chat: 9110, graph: 9120, cards: 9130 }
  expect(ports).toEqual({ ...demos, chatHub: 9200, graphHub: 9201, cardsHub: 9202, ...noNodes })
})

test('the nodes of the hubs are at the ports between the hubs and the demos', () => {
  const { chatNodes, graphNodes, cardsNodes } = portsFrom({}, 2)
  expect({ chatNodes, graphNodes, cardsNodes }).toEqual({
    chatNodes: [8004, 8005],
    graphNodes: [8006, 8007],
    cardsNodes: [8008, 8009],
  })
})

test('nodes must not be where a demo is', () => {
  expect(() => portsFrom({ HOOKBOX_PORT: '8002' }, 2)).toThrow('PORT and HOOKBOX_PORT both lead to port 8010')
})

test.each([
  { name: 'no number', environment: { PORT: 'http' }, message: 'PORT must be a number from 1 to 65505, not “http”.' },
  { name: 'too high', environment: { PORT: '65530' }, message: 'PORT must be a number from 1 to 65505, not “65530”.' },
  {
    name: 'a collision',
    environment: { PORT: '7991' },
    message: 'PORT and HOOKBOX_PORT both lead to port 8001; change one of them.',
  },
])('$name is told in a sentence', ({ environment, message }) => {
  expect(() => portsFrom(environment)).toThrow(message)
})

test('a port that is taken is named, with the variable that moves it', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const taken = typeof address === 'object' && address ? address.port : 0
  const demos = { home: taken, chat: taken, graph: taken, cards: taken }
  const ports = { ...demos, chatHub: taken, graphHub: taken, cardsHub: taken, ...noNodes }
  await expect(checkFree(ports)).rejects.toThrow(
    `Port ${taken} is taken; choose others with PORT, for example: PORT=9000 pnpm start`,
  )
  const nodeTaken = { ...portsFrom({ PORT: '21000', HOOKBOX_PORT: '22000' }, 2), chatNodes: [taken] }
  await expect(checkFree(nodeTaken)).rejects.toThrow('choose others with HOOKBOX_PORT')
  await new Promise((resolve) => server.close(resolve))
})

test('where there is no Redis, a sentence says how to get one', async () => {
  vi.stubEnv('PATH', '')
  vi.spyOn(servers, 'hasServer').mockReturnValue(false)
  await expect(needSharedRedis(undefined)).rejects.toThrow(
    'There is no redis-server on the PATH. Install it (Debian: apt-get install redis-server; macOS: brew install redis), ' +
      'or name one that runs: REDIS_URL=redis://127.0.0.1:6379 pnpm start --redis',
  )
})

test('a Redis that is named is used as it is', async () => {
  const redis = await needSharedRedis('redis://127.0.0.1:1')
  expect(redis.url).toBe('redis://127.0.0.1:1')
  await redis.close()
})
