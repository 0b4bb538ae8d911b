import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { closeServer, createServer, listen } from '../../src/http/server.ts'
import { serveScript } from '../../src/http/static.ts'
import { portOf, router } from '../kit/http.ts'

const directory = mkdtempSync(join(tmpdir(), 'hookbox-static-'))
const servers: Server[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => closeServer(server, systemClock, 0))))
afterAll(() => rmSync(directory, { recursive: true }))

async function serve(file: string) {
  const server = createServer(
    router({ routes: [{ path: '/static/hookbox.js', methods: ['GET'], handle: serveScript(file) }] }),
  )
  servers.push(server)
  await listen(server, 0, '127.0.0.1')
  return (headers: { [name: string]: string } = {}) =>
    fetch(`http://127.0.0.1:${portOf(server)}/static/hookbox.js`, { headers })
}

test('the script can be included by pages of other origins', async () => {
  const file = join(directory, 'a.js')
  writeFileSync(file, 'var hookbox = "é"')
  const response = await (await serve(file))()
  expect(await response.text()).toBe('var hookbox = "é"')
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'content-length': '18',
    'cache-control': 'no-cache',
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    'x-content-type-options': 'nosniff',
  })
})

test('a browser that has it already gets a 304', async () => {
  const file = join(directory, 'b.js')
  writeFileSync(file, 'b')
  const get = await serve(file)
  const etag = (await get()).headers.get('etag') ?? ''
  expect(etag).toMatch(/^"[\w-]{22}"$/)
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const response = await get({ 'if-none-match': tag })
    expect([response.status, await response.text(), response.headers.get('etag')]).toEqual([304, '', etag])
  }
  expect((await get({ 'if-none-match': '"other"' })).status).toBe(200)
})

test('a script that is not built is a 404 that says what to do, until it is there', async () => {
  const file = join(directory, 'c.js')
  const get = await serve(file)
  const response = await get()
  expect([response.status, await response.json()]).toEqual([
    404,
    { error: 'the client script is not built; run `pnpm build` first' },
  ])
  writeFileSync(file, 'c')
  expect((await get()).status).toBe(200)
})

test('the client’s own script is found by its package', () => {
  expect(() => serveScript()).not.toThrow()
})
