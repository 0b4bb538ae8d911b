import type { Server } from 'node:http'
import { TestClock } from '@hookbox/testkit'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { health } from '../../src/http/health.ts'
import { closeServer, createServer, listen } from '../../src/http/server.ts'
import { portOf, router } from '../kit/http.ts'

const servers: Server[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => closeServer(server, systemClock, 0))))

test('it says that the hub is alive, since when, and which version it is', async () => {
  const clock = new TestClock()
  const server = createServer(
    router({ routes: [{ path: '/health', methods: ['GET'], handle: health('1.2.3', clock) }] }),
  )
  servers.push(server)
  await listen(server, 0, '127.0.0.1')
  await clock.advance(61_500)
  const response = await fetch(`http://127.0.0.1:${portOf(server)}/health`)
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ status: 'ok', uptime: 61, version: '1.2.3' })
})
