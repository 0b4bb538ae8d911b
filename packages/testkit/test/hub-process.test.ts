import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHubProcess } from '../src/index.ts'

let folder: string
let script: string

// The command is not built where only unit tests run: this stands in for it.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookbox-'))
  script = join(folder, 'hub.mjs')
  await writeFile(
    script,
    `import { createServer } from 'node:http'
const port = process.argv[process.argv.indexOf('-p') + 1]
if (process.argv.includes('--broken')) { console.error('unknown flag --broken'); process.exit(2) }
console.log('started', process.pid, JSON.stringify(process.env.HOOKBOX_TEST))
createServer((request, response) => response.writeHead(request.url === '/health' ? 200 : 404).end()).listen(port)
process.on('SIGTERM', () => process.exit(7))`,
  )
})
afterAll(() => rm(folder, { recursive: true }))

test('the hub answers, is killed, and comes back on the same port', async () => {
  await using hub = await startHubProcess([], { script, env: { HOOKBOX_TEST: 'yes' } })
  expect((await fetch(`${hub.url}/health`)).status).toBe(200)
  expect(hub.output).toContain('"yes"')
  const first = hub.pid
  expect(await hub.kill('SIGKILL')).toBe(null)
  await expect(fetch(`${hub.url}/health`)).rejects.toThrow('fetch failed')
  await hub.restart()
  expect(hub.pid).not.toBe(first)
  expect((await fetch(`${hub.url}/health`)).status).toBe(200)
  expect(await hub.kill('SIGTERM')).toBe(7)
  expect(hub.output.match(/started/g)).toHaveLength(2)
})

test('a hub that ends at once is reported with what it said', async () => {
  await expect(startHubProcess(['--broken'], { script })).rejects.toThrow(/the hub ended with 2: unknown flag --broken/)
})
