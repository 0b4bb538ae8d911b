import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { freePort } from '../packages/testkit/src/free-port.ts'
import { startTurns } from './start-turns.ts'

/** A node that answers everything with its name, and ends its lines with it. */
async function startNode(name: string) {
  const lines = new Set<Socket>()
  const server: Server = createServer((line) => {
    lines.add(line)
    line.on('error', () => {}).on('data', () => line.write(name))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      for (const line of lines) line.resetAndDestroy()
      await closed
    },
  }
}

async function startTwo() {
  const [a, b] = [await startNode('a'), await startNode('b')]
  const port = await freePort()
  const turns = await startTurns(port, [a.port, b.port])
  const open: Socket[] = []
  /** Who answers a line that begins so. */
  async function ask(first: string): Promise<{ line: Socket; name: string }> {
    const line = connect(port, '127.0.0.1')
    open.push(line)
    line.write(first)
    const [name] = await once(line, 'data')
    return { line, name: String(name) }
  }
  return {
    a,
    b,
    turns,
    ask,
    async [Symbol.asyncDispose]() {
      await turns.close()
      for (const line of open) line.destroy()
      await a[Symbol.asyncDispose]()
      await b[Symbol.asyncDispose]()
    },
  }
}

const page = 'GET /ws HTTP/1.1\r\n'
const script = 'GET /static/hookbox.js HTTP/1.1\r\n'

test('two pages are at two nodes, whatever else they load', async () => {
  await using at = await startTwo()
  const names: string[] = []
  for (const first of [script, page, script, script, page, page]) {
    const { name } = await at.ask(first)
    if (first === page) names.push(name)
  }
  expect(names).toEqual(['a', 'b', 'a'])
  expect([at.turns.pagesAt(at.a.port), at.turns.pagesAt(at.b.port)]).toEqual([2, 1])
})

test('a line stays with its node, both ways', async () => {
  await using at = await startTwo()
  await at.ask(page)
  const { line } = await at.ask(page)
  for (let i = 0; i < 3; i++) {
    line.write('more')
    const [name] = await once(line, 'data')
    expect(String(name)).toBe('b')
  }
})

test('whoever was at a node that has gone is cut off, and comes to another one', async () => {
  await using at = await startTwo()
  const { line } = await at.ask(page)
  const ended = new Promise((resolve) => line.on('error', () => {}).once('close', resolve))
  await at.a[Symbol.asyncDispose]()
  await ended
  for (let i = 0; i < 3; i++) expect((await at.ask(page)).name).toBe('b')
})

test('where no node is there, a line ends', async () => {
  const [nobody, nobodyElse] = [await freePort(), await freePort()]
  const port = await freePort()
  const turns = await startTurns(port, [nobody, nobodyElse])
  const line = connect(port, '127.0.0.1')
  line.write(page)
  await once(line, 'close')
  await turns.close()
})
