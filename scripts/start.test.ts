import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { checkFree, portsFrom } from './start-ports.ts'

test('without variables the demos are at their documented ports', () => {
  const demos = { home: 8000, chat: 8010, graph: 8020, cards: 8030 }
  expect(portsFrom({})).toEqual({ ...demos, chatHub: 8001, graphHub: 8002, cardsHub: 8003 })
})

test('two variables move them all', () => {
  const ports = portsFrom({ PORT: '9100', HOOKBOX_PORT: '9200' })
  const demos = { home: 9100, chat: 9110, graph: 9120, cards: 9130 }
  expect(ports).toEqual({ ...demos, chatHub: 9200, graphHub: 9201, cardsHub: 9202 })
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
  const ports = { ...demos, chatHub: taken, graphHub: taken, cardsHub: taken }
  await expect(checkFree(ports)).rejects.toThrow(
    `Port ${taken} is taken; choose others with PORT, for example: PORT=9000 pnpm start`,
  )
  await new Promise((resolve) => server.close(resolve))
})
