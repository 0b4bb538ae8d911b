import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { freePort, lacksRedis, openWirePage, startRedis, startWebApplication, type WirePage } from '@hookbox/testkit'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { run, type Terminal } from '../src/cli/run.ts'
import { type CreateOptions, createHookbox, type Hookbox, hookboxFrom } from '../src/hookbox.ts'
import { redisNode, sharedRedis } from './kit/redis.ts'
import { restSecret } from './kit/running-hub.ts'
import { sink } from './kit/sink.ts'

/** One of the hubs that share a Redis. */
interface Node {
  readonly hookbox: Hookbox
  readonly url: string
  page(name: string): Promise<WirePage>
  rest(method: string, fields?: Record<string, string>): Promise<[ok: boolean, details: Record<string, unknown>]>
}

describe.skipIf(lacksRedis())('hubs that share a Redis', () => {
  const redis = sharedRedis()

  /** An application, and a way to start hubs that ask it. */
  async function begin(options: CreateOptions = {}) {
    const app = await startWebApplication({ create_channel: [true, { presenceful: true, history_size: 10 }] })
    onTestFinished(() => app[Symbol.asyncDispose]())
    const shared: CreateOptions = {
      ...{ redis: redis().url, redisPrefix: `test-${randomBytes(4).toString('hex')}:` },
      ...{ port: 0, interface: '127.0.0.1', basePath: '/', cbport: app.port, cbhost: '127.0.0.1' },
      ...{ apiSecurityToken: restSecret, logLevel: 'silent', linger: 0, rate: 0, drain: 0, ...options },
    }
    return { app, shared, start: () => startNode(shared) }
  }

  async function startNode(options: CreateOptions): Promise<Node> {
    const hookbox = createHookbox(options)
    onTestFinished(() => hookbox.close())
    const { url } = await hookbox.listen()
    return nodeAt(hookbox, url)
  }

  function nodeAt(hookbox: Hookbox, url: string): Node {
    return {
      hookbox,
      url,
      async page(name) {
        const page = await openWirePage(`${url.replace('http', 'ws')}/ws`)
        await page.connect({ payload: { name } })
        return page
      },
      async rest(method, fields = {}) {
        const body = new URLSearchParams({ security_token: restSecret, ...fields })
        const response = await fetch(`${url}/rest/${method}`, { method: 'POST', body })
        return (await response.json()) as [boolean, Record<string, unknown>]
      },
    }
  }

  test('REST at one acts on pages at the other', async () => {
    const { start } = await begin()
    const [a, b] = [await start(), await start()]
    const ann = await a.page('ann')
    const bob = await b.page('bob')
    for (const page of [ann, bob]) await page.ask('SUBSCRIBE', { channel_name: 'chat' })

    expect(await a.rest('publish', { channel_name: 'chat', payload: '"hello"' })).toMatchObject([true, {}])
    expect((await bob.next('PUBLISH')).args).toMatchObject({ payload: 'hello' })
    await a.rest('message', { sender_name: 'ann', recipient_name: 'bob', payload: '"psst"' })
    expect((await bob.next('MESSAGE')).args).toMatchObject({ payload: 'psst' })
    await a.rest('state_set_key', { channel_name: 'chat', key: 'open', val: 'true' })
    expect((await bob.next('STATE_UPDATE')).args).toMatchObject({ updates: { open: true } })
    expect(await a.rest('get_channel_info', { channel_name: 'chat' })).toMatchObject([
      true,
      { subscribers: ['ann', 'bob'] },
    ])
    await a.rest('create_channel', { channel_name: 'news' })
    await a.rest('subscribe', { channel_name: 'news', name: 'bob' })
    expect((await bob.next('SUBSCRIBED')).args).toMatchObject({ channel_name: 'news' })
    await a.rest('disconnect_user', { user_name: 'bob' })
    expect((await bob.closed).code).toBe(4403)
  })

  test('each tells which nodes there are, and the same of everything else', async () => {
    const { start } = await begin()
    const [a, b] = [await start(), await start()]
    await a.page('ann')
    await b.page('bob')
    const [, ofA] = await a.rest('get_server_info')
    const [, ofB] = await b.rest('get_server_info')
    expect(new Set(ofA.nodes as string[])).toEqual(new Set([ofA.node, ofB.node]))
    expect(ofA.users).toEqual(expect.arrayContaining(['ann', 'bob']))
    expect({ ...ofB, node: ofA.node, nodes: ofA.nodes, users: ofA.users, connections: ofA.connections }).toEqual(ofA)
    expect(new Set(ofB.connections as string[])).toEqual(new Set(ofA.connections as string[]))
  })

  test('the application hears of the first one alone', async () => {
    const { app, start } = await begin()
    await start()
    await app.next('hub_started')
    const second = await start()
    // It is asked after whatever its start would have told.
    await second.page('ann')
    expect(app.calls('hub_started')).toHaveLength(1)
  })

  test('set_config reaches all of them, and one that starts later', async () => {
    const { start } = await begin({ allowSetConfig: true })
    const other = await startWebApplication()
    onTestFinished(() => other[Symbol.asyncDispose]())
    const [a, b] = [await start(), await start()]
    expect(await a.rest('set_config', { cbport: String(other.port) })).toEqual([true, {}])
    const later = await start()
    for (const [node, name] of [
      [a, 'ann'],
      [b, 'bob'],
      [later, 'cyd'],
    ] as const)
      await node.page(name)
    expect(other.calls('connect').map(({ fields }) => fields.payload)).toEqual([
      '{"name":"ann"}',
      '{"name":"bob"}',
      '{"name":"cyd"}',
    ])
  })

  test('what set_config refuses is refused before any of them has changed', async () => {
    const { app, start } = await begin({ allowSetConfig: true })
    const [a, b] = [await start(), await start()]
    expect(await a.rest('set_config', { cbport: '1', cb_connect: 'a b' })).toMatchObject([false, {}])
    for (const node of [a, b]) await node.page('ann')
    expect(app.calls('connect')).toHaveLength(2)
  })

  test('one that closes sends its pages away one after another, while the other goes on', async () => {
    const { start } = await begin({ drain: 0.5, linger: 10 })
    const [a, b] = [await start(), await start()]
    const leaving = await Promise.all(['ann', 'bob', 'cyd', 'dan', 'eve'].map((name) => a.page(name)))
    const zoe = await b.page('zoe')
    await zoe.ask('SUBSCRIBE', { channel_name: 'chat' })
    const begun = performance.now()
    const times: number[] = []
    const codes = leaving.map(async ({ closed }) => {
      const { code } = await closed
      times.push(performance.now() - begun)
      return code
    })
    const closed = a.hookbox.close()
    expect(await b.rest('publish', { channel_name: 'chat', payload: '1' })).toMatchObject([true, {}])
    expect((await zoe.next('PUBLISH')).args).toMatchObject({ payload: 1 })
    expect(await Promise.all(codes)).toEqual([4503, 4503, 4503, 4503, 4503])
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(5)
    await closed
    const [, info] = await b.rest('get_server_info')
    expect(info.nodes).toEqual([info.node])
    // Whoever left with it is waited for by the other one.
    expect(info.users).toEqual(expect.arrayContaining(['ann', 'eve', 'zoe']))
  })

  test('a page of one that closes is taken up by the other without asking the application', async () => {
    const { app, start } = await begin({ linger: 10 })
    const [a, b] = [await start(), await start()]
    const ann = await openWirePage(`${a.url.replace('http', 'ws')}/ws`)
    const { args: welcome } = await ann.ask('CONNECT', { payload: { name: 'ann' } })
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    const asked = app.calls().length
    await a.hookbox.close()
    const { ticket } = welcome as { ticket: string }
    const back = await openWirePage(`${b.url.replace('http', 'ws')}/ws`)
    expect((await back.ask('CONNECT', { payload: { name: 'ann' }, ticket })).args).toMatchObject({ name: 'ann' })
    expect((await back.ask('SUBSCRIBE', { channel_name: 'chat' })).args).toMatchObject({ presence: ['ann'] })
    expect(app.calls()).toHaveLength(asked)
  })

  test('a page without WebSocket may go to either with each request', async () => {
    const { start } = await begin({ linger: 10 })
    const [a, b] = [await start(), await start()]
    const ask = (node: Node, path: string, head: object, message = '') =>
      fetch(`${node.url}/stream${path}`, { method: 'POST', body: `${JSON.stringify(head)}\n${message}` })
    const opened = await (await ask(a, '', { poll: true })).text()
    const [, session = ''] = /"session":"([0-9a-f]{64})"/.exec(opened) ?? []
    const frames = ['[1,"CONNECT",{"payload":{"name":"ann"}}]', '[2,"SUBSCRIBE",{"channel_name":"chat"}]']
    expect((await ask(b, '/send', { session, seq: 1 }, frames[0])).status).toBe(204)
    expect(await (await ask(b, '', { session, ack: 0, poll: true })).text()).toMatch(/^id: 1\ndata: \[1,"CONNECTED",/)
    expect((await ask(b, '/send', { session, seq: 2, ack: 1 }, frames[1])).status).toBe(204)
    const stream = await ask(b, '', { session, ack: 1 })
    expect([stream.status, await stream.text()]).toEqual([
      200,
      expect.stringMatching(/^id: 2\ndata: \[2,"SUBSCRIBED",.*\n\n$/s),
    ])

    const unknown = [session.slice(0, 32) + '0'.repeat(32), '0'.repeat(64)]
    for (const secret of unknown) expect((await ask(b, '', { session: secret })).status).toBe(410)
    await a.hookbox.close()
    expect((await ask(b, '', { session, ack: 2 })).status).toBe(410)
    expect((await ask(b, '/send', { session, seq: 3 })).status).toBe(410)
  })

  test('one can start where another one has died a moment ago', async () => {
    const { shared, start } = await begin({ allowSetConfig: true })
    const dead = await redisNode({ urls: [redis().url], prefix: shared.redisPrefix ?? '' })
    await dead.nodes.start({ inherit: async () => {}, expelled() {}, restore() {} })
    await dead.crash()
    const node = await start()
    const [, info] = await node.rest('get_server_info')
    expect(info.nodes).toContain(info.node)
  })

  test('one listens only when Redis can be reached', async () => {
    const { shared } = await begin()
    const [port, redisPort] = [await freePort(), await freePort()]
    const hookbox = createHookbox({ ...shared, port, redis: `redis://127.0.0.1:${redisPort}` })
    onTestFinished(() => hookbox.close())
    const listening = hookbox.listen()
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow()
    const late = await startRedis({ port: redisPort })
    onTestFinished(() => late[Symbol.asyncDispose]())
    expect((await listening).url).toBe(`http://127.0.0.1:${port}`)
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)
  })
})

/** The command, without a process of its own. */
async function command(...args: string[]) {
  const exits: number[] = []
  const [stdout, stderr] = [sink(), sink()]
  const exit = (code: number) => void exits.push(code)
  const terminal = Object.assign(new EventEmitter(), { argv: ['', '', ...args], env: {}, stdout, stderr, exit })
  const hubs: Hookbox[] = []
  await run(terminal satisfies Terminal, (config, log) => {
    const hub = hookboxFrom(config, log)
    hubs.push(hub)
    return hub
  })
  for (const hub of hubs) await hub.close()
  return { exits, stdout: stdout.text, stderr: stderr.text }
}

describe('a Redis that will not do', () => {
  const flags = ['--port', '0', '-i', '127.0.0.1']

  test.each([
    {
      url: 'http://ann:hush@app',
      message: /^hookbox: --redis: expected a URL that begins with redis:\/\/.*\n$/,
    },
    {
      url: 'redis://ann:hush@app/one',
      message: 'hookbox: Redis: expected the number of a database, got "redis://app/one"\n',
    },
    {
      url: 'redis+cluster://ann:hush@app/1',
      message: 'hookbox: Redis: a cluster has no databases, got "redis+cluster://app/1"\n',
    },
  ])('$url is one sentence without the password, and exit code 2', async ({ url, message }) => {
    const { exits, stdout, stderr } = await command(...flags, '--redis', url)
    expect(stderr).toMatch(message)
    expect(stderr + stdout).not.toContain('hush')
    expect(exits).toEqual([2])
    expect(() => createHookbox({ redis: url })).toThrow(expect.objectContaining({ name: 'ConfigError' }))
  })

  test('braces in the prefix are one sentence, and exit code 2', async () => {
    const { exits, stderr } = await command(...flags, '--redis', 'redis://127.0.0.1', '--redis-prefix', '{ours}')
    expect(stderr).toEqual(expect.stringMatching(/^hookbox: --redis-prefix: expected .*, got "\{ours\}"\n$/))
    expect(exits).toEqual([2])
  })

  test('one that cannot be reached is one sentence without the password, and exit code 1', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const port = await freePort()
    let ended = false
    const ending = command(...flags, '--redis', `redis://ann:hush@127.0.0.1:${port}`).finally(() => {
      ended = true
    })
    while (!ended) {
      vi.advanceTimersByTime(100)
      await new Promise(setImmediate)
    }
    const { exits, stdout, stderr } = await ending
    const why = `connect ECONNREFUSED 127.0.0.1:${port}`
    expect(stderr).toBe(`hookbox: Redis at 127.0.0.1:${port} cannot be reached: ${why}\n`)
    expect(stdout).not.toContain('hush')
    expect(exits).toEqual([1])
  })

  describe.skipIf(lacksRedis())('though it is there', () => {
    test('one that wants another password is one sentence without either, and exit code 1', async () => {
      await using redis = await startRedis({ password: 'a password' })
      const { exits, stdout, stderr } = await command(...flags, '--redis', `redis://:hush@127.0.0.1:${redis.port}`)
      expect(stderr).toMatch(/^hookbox: Redis at 127\.0\.0\.1:\d+: WRONGPASS .*\n$/)
      expect(stderr + stdout).not.toMatch(/hush|a password/)
      expect(exits).toEqual([1])
    })

    test('one that wants a password, where none is given, too', async () => {
      await using redis = await startRedis({ password: 'a password' })
      const { exits, stderr } = await command(...flags, '--redis', `redis://127.0.0.1:${redis.port}`)
      expect(stderr).toMatch(/^hookbox: Redis at 127\.0\.0\.1:\d+: NOAUTH .*\n$/)
      expect(exits).toEqual([1])
    })

    test('one that is a node of a cluster, where it was named as one by itself', async () => {
      await using redis = await startRedis({ cluster: true })
      const { exits, stderr } = await command(...flags, '--redis', redis.url)
      expect(stderr).toMatch(/^hookbox: Redis at .*: expected no node of a cluster \(see redis\+cluster:\/\/\)\n$/)
      expect(exits).toEqual([1])
    })
  })
})
