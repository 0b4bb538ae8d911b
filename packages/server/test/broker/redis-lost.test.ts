import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { lacksRedis, type Redis, startRedis, startTcpProxy, TestClock, until } from '@hookbox/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import type { RedisBroker, RedisBrokerOptions } from '../../src/broker/redis/redis-broker.ts'
import {
  connect as connectUser,
  createChannel,
  json,
  keep,
  listen,
  onlyTold,
  payloadsOf,
  plain,
  publish,
  RecordingNode,
  RecordingUserEar,
  stateOf,
  told,
  topOf,
} from '../contracts/broker/kit.ts'
import { RecordingLog } from '../kit/recording-log.ts'
import { redisNode } from '../kit/redis.ts'

async function redis(options: Parameters<typeof startRedis>[0] = {}): Promise<Redis> {
  const started = await startRedis(options)
  onTestFinished(() => started[Symbol.asyncDispose]())
  return started
}

/** A node by a line of its own that the test takes away. */
async function distant(to: Redis, options: Partial<RedisBrokerOptions> = {}) {
  const proxy = await startTcpProxy(to.port)
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  const node = await redisNode({ urls: [`redis://127.0.0.1:${proxy.port}`], ...options })
  return { node, proxy }
}

/** What is done again until Redis can be reached. */
function insist<T>(act: () => Promise<T>): Promise<T> {
  return until(async () => ({ done: await act() }), 'Redis to be reached').then(({ done }) => done)
}

/** Everything that is told until that. */
async function heardUntil(ear: { next(): Promise<string> }, last: string): Promise<string[]> {
  const heard = [await ear.next()]
  while (heard.at(-1) !== last) heard.push(await ear.next())
  return heard
}

describe.skipIf(lacksRedis())('a broker over Redis', () => {
  test('hears what was told while its line was cut, in order and once', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url] })
    const { node, proxy } = await distant(server)
    await createChannel(near)
    const { ear } = await listen(node)
    const publishing = (async () => {
      for (let n = 1; n <= 300; n++) await near.log.append('chat', publish(n), onlyTold)
    })()
    for (let n = 0; n < 5; n++) {
      await ear.next()
      proxy.cut()
    }
    await publishing
    await ear.take(295)
    expect(ear.numbered.map(({ position }) => position.offset)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
  })

  test('hears what was told after Redis has closed its subscriptions alone', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url] })
    await createChannel(near)
    const { ear } = await listen(near)
    await server.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    for (const n of [1, 2, 3]) await insist(() => near.log.append('chat', publish(n), onlyTold))
    expect(await ear.take(3)).toEqual(['PUBLISH 1', 'PUBLISH 2', 'PUBLISH 3'])
  })

  test('says what is lost where more was told than is kept', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url] })
    const { node, proxy } = await distant(server)
    await createChannel(near)
    const { ear } = await listen(node)
    proxy.refuse()
    proxy.cut()
    await Promise.all(Array.from({ length: 1_001 }, (_, n) => near.log.append('chat', publish(n), onlyTold)))
    proxy.go()
    expect(await ear.next()).toBe('lost 1001')
    await near.log.append('chat', publish(0), onlyTold)
    expect(await ear.next()).toBe('PUBLISH 1002')
  })

  test('hears what has become of channels and users while its line was cut', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url] })
    const { node, proxy } = await distant(server)
    for (const name of ['changed', 'gone', 'anew']) await createChannel(near, name)
    const [changed, gone, anew] = [
      await listen(node, 'changed'),
      await listen(node, 'gone'),
      await listen(node, 'anew'),
    ]
    const users = ['comes', 'goes', 'changes'].map((user) => ({ user, ear: new RecordingUserEar() }))
    for (const { user, ear } of users) {
      if (user !== 'comes') await connectUser(near, `of ${user}`, user)
      await node.users.listen(user, ear)
    }
    proxy.refuse()
    proxy.cut()
    await near.channels.change('changed', 1, { options: json(1), keep, state: stateOf({ a: 1 }) })
    await near.channels.remove('gone')
    await near.channels.remove('anew')
    await createChannel(near, 'anew')
    await connectUser(near, '1', 'comes')
    await near.messages.send('comes', '"payload":1')
    await near.users.leave('goes', 'of goes')
    await near.users.changeOptions('changes', { a: 1 })
    await near.messages.send('changes', '"payload":2')
    proxy.go()
    expect(await changed.ear.take(2)).toEqual(['STATE_UPDATE 1', 'changed 2 1'])
    expect(await gone.ear.next()).toBe('removed')
    expect(await anew.ear.next()).toBe('removed')
    const [comes, goes, changes] = users.map(({ ear }) => ear)
    expect(await comes?.take(2)).toEqual(['came', '[0,"MESSAGE",{"payload":1,"offset":1}]'])
    expect(await goes?.next()).toBe('left')
    expect((await changes?.take(2))?.sort()).toEqual([
      '[0,"MESSAGE",{"payload":2,"offset":1}]',
      'changed {"reflective":true,"a":1}',
    ])
  })

  test.each([
    { name: 'is there no more', anew: false },
    { name: 'was made anew by another node', anew: true },
  ])('says that a channel is lost that $name when Redis has lost its data', async ({ anew }) => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url] })
    const { node, proxy } = await distant(server)
    await createChannel(near)
    const { ear } = await listen(node)
    proxy.refuse()
    proxy.cut()
    await server.kill('SIGKILL')
    await server.restart()
    if (anew) await insist(() => createChannel(near))
    proxy.go()
    expect(await ear.next()).toBe('removed, lost')
  })

  test('notices that its line is silent although it has nothing to say', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url] })
    const { node, proxy } = await distant(server, { probe: 100, probeTimeout: 200, commandTimeout: 400 })
    await createChannel(near)
    const { ear } = await listen(node)
    proxy.lose()
    await near.log.append('chat', publish(1), onlyTold)
    expect(await ear.next()).toBe('PUBLISH 1')
  })

  test('notices that what is told does not arrive although its commands are answered', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url] })
    let deaf = false
    const swallowing = createServer((from) => {
      const to = connect(server.port, '127.0.0.1')
      // A subscriber's line becomes deaf for good; a new one hears.
      let isDeaf = false
      from.on('data', (bytes) => to.write(bytes))
      to.on('data', (bytes) => {
        isDeaf ||= deaf && bytes.includes('smessage')
        if (!isDeaf) from.write(bytes)
      })
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as [Socket, Socket][]) {
        one.on('close', () => other.destroy())
        one.on('error', () => other.destroy())
      }
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void swallowing.close())
    await until(() => swallowing.listening || undefined, 'the proxy to listen')
    const { port } = swallowing.address() as AddressInfo
    const log = new RecordingLog()
    const node = await redisNode({ urls: [`redis://127.0.0.1:${port}`], log, probe: 100, probeTimeout: 200 })
    await createChannel(near)
    const { ear } = await listen(node)
    deaf = true
    await near.log.append('chat', publish(1), onlyTold)
    const isMissed = () => log.lines.some(({ fields }) => String(fields.err).includes('a probe was not heard'))
    await until(() => isMissed() || undefined, 'the probe to be missed')
    deaf = false
    expect(await ear.next()).toBe('PUBLISH 1')
  })

  test('goes on when Redis has forgotten its scripts', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url] })
    await createChannel(near)
    await server.call('SCRIPT', 'FLUSH')
    expect(await near.log.append('chat', publish(1), told)).toMatchObject({ position: { offset: 1 } })
    expect(await near.channels.load('chat')).toEqual({ options: plain, revision: 1 })
  })

  test('a Redis that comes back with its data begins new epochs, keeps what they told, and asks for what was written last', async () => {
    const server = await redis({ persistence: 'everysec' })
    const clock = new TestClock()
    const nodes: RedisBroker[] = []
    const events: RecordingNode[] = []
    for (let n = 0; n < 2; n++) {
      const node = await redisNode({ urls: [server.url], clock, deadAfter: 10_000 })
      const told = new RecordingNode()
      await node.nodes.start(told)
      nodes.push(node)
      events.push(told)
    }
    const [one, two] = nodes as [RedisBroker, RedisBroker]
    await createChannel(one)
    await connectUser(one, '1')
    const ears = [(await listen(one)).ear, (await listen(two)).ear]
    const userEar = new RecordingUserEar()
    await two.users.listen('ann', userEar)
    await one.channels.change('chat', 1, { keep, state: stateOf({ a: 1 }) })
    await one.log.append('chat', publish(1), told)
    await one.messages.send('ann', '"payload":1')
    for (const ear of ears) expect(await ear.take(2)).toEqual(['STATE_UPDATE 1', 'PUBLISH 2'])
    expect(await userEar.next()).toBe('[0,"MESSAGE",{"payload":1,"offset":1}]')
    const before = await topOf(one)
    const messagesBefore = (await one.messages.read('ann')).top

    await server.restart()
    for (const ear of ears) expect(await ear.next()).toBe('lost 2')
    expect(await userEar.next()).toBe('lost 1')
    for (const event of events) expect(await event.next()).toBe('restore')
    const page = await two.log.read('chat', keep, before)
    expect(page.missed).toBeUndefined()
    expect(page.top.epoch).not.toBe(before.epoch)
    expect(page.state).toEqual(new Map([['a', '1']]))
    expect(payloadsOf(page.history)).toEqual([1])
    expect((await two.messages.read('ann', messagesBefore)).missed).toBeUndefined()
    expect(await two.users.find('ann')).toMatchObject({ connections: [{ id: '1', node: one.nodes.id }] })
    expect((await two.nodes.all()).sort()).toEqual(nodes.map((node) => node.nodes.id).sort())
    await two.log.append('chat', publish(2), told)
    await two.messages.send('ann', '"payload":2')
    for (const ear of ears) expect(await ear.next()).toBe('PUBLISH 3')
    expect(await userEar.next()).toBe('[0,"MESSAGE",{"payload":2,"offset":2}]')
    expect((await one.log.read('chat', keep, page.top)).missed).toHaveLength(1)
  })

  test('a Redis that comes back without its data makes every node begin anew, one of them as the first', async () => {
    const server = await redis()
    const nodes: RedisBroker[] = []
    const events: RecordingNode[] = []
    for (let n = 0; n < 3; n++) {
      const node = await redisNode({ urls: [server.url] })
      const told = new RecordingNode()
      expect(await node.nodes.start(told)).toEqual({ fresh: n === 0 })
      nodes.push(node)
      events.push(told)
    }
    const [one, two] = nodes as [RedisBroker, RedisBroker]
    const ids = nodes.map((node) => node.nodes.id)
    await createChannel(one)
    await connectUser(two, '1')
    const lost: string[] = []
    expect(await one.leases.take({ of: 'poll', channel: 'chat' }, { lost: () => lost.push('lost') })).toBeDefined()
    const { ear } = await listen(two)
    await server.restart()
    expect(await ear.next()).toBe('removed, lost')
    const said = await Promise.all(events.map((event) => event.next()))
    expect(said.sort()).toEqual(['expelled', 'expelled', 'expelled, fresh'])
    expect(lost).toEqual(['lost'])
    for (const [n, node] of nodes.entries()) expect(node.nodes.id).not.toBe(ids[n])
    expect((await one.nodes.all()).sort()).toEqual(nodes.map((node) => node.nodes.id).sort())
    expect(await two.users.update('ann', '1', { live: false })).toBe(false)
    expect(await connectUser(two, '1')).toMatchObject({ first: true })
    await createChannel(one)
    expect(await one.log.append('chat', publish(1), told)).toMatchObject({ position: { offset: 1 } })
    two.bus.answer(async (question) => question)
    expect(await one.bus.ask(two.nodes.id, 'still there?')).toBe('still there?')
  })

  test('a replica that is promoted begins new epochs, also where it has everything', async () => {
    const master = await redis()
    const replica = await redis({ replicaOf: master })
    const { node, proxy } = await distant(master, { wait: 1 })
    const event = new RecordingNode()
    await node.nodes.start(event)
    // A master counts a replica only when it has heard from it.
    await insist(() => createChannel(node))
    const { ear } = await listen(node)
    for (const n of [1, 2]) await node.log.append('chat', publish(n), told)
    await ear.take(2)
    const before = await topOf(node)
    await replica.call('REPLICAOF', 'NO', 'ONE')
    // It has lost what came last.
    proxy.lead(replica.port)
    proxy.cut()
    expect(await ear.next()).toBe('lost 2')
    expect(await event.next()).toBe('restore')
    expect((await node.log.read('chat', keep, before)).missed).toBeUndefined()
    expect(payloadsOf((await node.log.read('chat', keep)).history)).toEqual([1, 2])
    // The new master has no replica.
    await expect(node.log.append('chat', publish(3), told)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await ear.next()).toBe('PUBLISH 3')
  })

  test('a master that has become a replica is left, and found again when it is one no more', async () => {
    const server = await redis()
    const other = await redis()
    const near = await redisNode({ urls: [server.url] })
    await createChannel(near)
    const { ear } = await listen(near)
    await near.log.append('chat', publish(1), told)
    expect(await ear.next()).toBe('PUBLISH 1')
    await server.call('REPLICAOF', '127.0.0.1', other.port)
    await expect(near.log.append('chat', publish(2), told)).rejects.toMatchObject({
      code: 'unavailable',
      temporary: true,
    })
    // It follows the other, which has nothing.
    const isSynced = async () => ((await server.call('ROLE')) as string[])[3] === 'connected' || undefined
    await until(isSynced, 'the replica to have what its master has')
    await server.call('REPLICAOF', 'NO', 'ONE')
    expect(await ear.next()).toBe('removed, lost')
    await createChannel(near)
    await near.log.append('chat', publish(3), told)
    expect(await topOf(near)).toMatchObject({ offset: 1 })
  })

  test('numbers below what a node has heard begin a new epoch, although Redis says that nothing has happened', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url], prefix: 'p:' })
    await createChannel(near)
    const { ear } = await listen(near)
    for (const n of [1, 2, 3]) await near.log.append('chat', publish(n), told)
    await ear.take(3)
    const before = await topOf(near)
    await server.call('HSET', 'p:{c:chat}:meta', 'offset', 1)
    const { position } = (await near.log.append('chat', publish(4), told)) as { position: typeof before }
    expect(position.epoch).not.toBe(before.epoch)
    expect(await ear.take(2)).toEqual(['lost 1', 'PUBLISH 2'])
    expect((await near.log.read('chat', keep, { ...before, offset: 1 })).missed).toBeUndefined()
  })

  test('a Redis that is stopped fails what is asked in time, takes no more, and is found again', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url], commandTimeout: 400, deadAfter: 5_000 })
    const event = new RecordingNode()
    await near.nodes.start(event)
    await createChannel(near)
    const { ear } = await listen(near)
    server.signal('SIGSTOP')
    const start = performance.now()
    await expect(near.log.append('chat', publish(1), told)).rejects.toMatchObject({
      code: 'unavailable',
      temporary: true,
    })
    expect(performance.now() - start).toBeLessThan(2_000)
    await until(async () => {
      const asked = performance.now()
      await near.channels.look('chat').catch(() => {})
      return performance.now() - asked < 20 || undefined
    }, 'it to fail at once')
    server.signal('SIGCONT')
    await insist(() => near.log.append('chat', publish(2), told))
    const heard = await heardUntil(ear, `PUBLISH ${(await topOf(near)).offset}`)
    expect(heard.every((one) => one.startsWith('PUBLISH'))).toBe(true)
    expect(await near.nodes.all()).toEqual([near.nodes.id])
  })

  test('beyond so much that waits for its answer, it fails at once', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url], commandTimeout: 3_000 })
    await createChannel(near)
    server.signal('SIGSTOP')
    const inside = `"payload":"${'x'.repeat(60_000)}"`
    const asked = Array.from({ length: 600 }, () =>
      near.log.append('chat', { name: 'PUBLISH', inside, at: 0 }, told).then(String, (error: Error) => error.message),
    )
    expect(await Promise.race(asked)).toContain('too much waits for its answers')
    server.signal('SIGCONT')
    const outcomes = await Promise.all(asked)
    const accepted = outcomes.filter((outcome) => !outcome.includes('too much')).length
    expect(accepted).toBeGreaterThan(500)
    expect(accepted * 60_000).toBeLessThan(33_554_432)
  })

  test('a process that was busy itself takes nothing for lost that has only not been read', async () => {
    const server = await redis()
    const log = new RecordingLog()
    const near = await redisNode({ urls: [server.url], log, commandTimeout: 200, probe: 100, probeTimeout: 200 })
    await createChannel(near)
    for (let n = 0; n < 3; n++) {
      const appending = near.log.append('chat', publish(n), told)
      const end = performance.now() + 500
      while (performance.now() < end) {}
      expect(await appending).toMatchObject({ duplicate: false })
    }
    expect(log.lines.filter(({ level }) => level === 'warn')).toEqual([])
  })

  test('names of what is not there any more, or was never made, are left out, and forgotten after a while', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url], prefix: 'p:' })
    await createChannel(near)
    await connectUser(near, '1')
    const old = Date.now() - 100_000
    for (const index of ['channels', 'users']) {
      await server.call('HSET', `p:{${index}}:names`, 'late', `${Date.now()} x`, 'old', `${old} x`)
    }
    expect(await near.channels.names()).toEqual(['chat'])
    expect(await near.users.all()).toEqual(new Map([['ann', ['1']]]))
    for (const [index, name] of [
      ['channels', 'chat'],
      ['users', 'ann'],
    ]) {
      expect(await server.call('HKEYS', `p:{${index}}:names`)).toEqual([name, 'late'])
    }
    expect(await near.channels.count()).toBe(2)
  })

  test('what is on another server goes on when one is gone', async () => {
    const servers = [await redis(), await redis()]
    const near = await redisNode({ urls: servers.map(({ url }) => url) })
    const names = Array.from({ length: 20 }, (_, n) => `channel ${n}`)
    for (const name of names) await createChannel(near, name)
    await servers[1]?.kill()
    const outcomes = await Promise.all(
      names.map((name) =>
        near.log.append(name, publish(1), told).then(
          () => 'done',
          (error: { code: string }) => error.code,
        ),
      ),
    )
    expect(new Set(outcomes)).toEqual(new Set(['done', 'unavailable']))
  })

  test('a node whose line is gone for too long is taken for dead, and begins anew when it finds that out', async () => {
    const server = await redis()
    const near = await redisNode({ urls: [server.url], deadAfter: 400 })
    const heir = new RecordingNode()
    await near.nodes.start(heir)
    const { node, proxy } = await distant(server, { deadAfter: 400 })
    const event = new RecordingNode()
    await node.nodes.start(event)
    await connectUser(node, '1')
    const dead = node.nodes.id
    const lost: string[] = []
    await node.leases.take({ of: 'poll', channel: 'chat' }, { lost: () => lost.push('lost') })
    proxy.refuse()
    proxy.cut()
    expect(await heir.next()).toBe(`inherit ${dead}`)
    expect(await near.users.claim('ann', '1')).toMatchObject({ node: near.nodes.id })
    proxy.go()
    expect(await event.next()).toBe('expelled')
    expect(node.nodes.id).not.toBe(dead)
    expect(lost).toEqual(['lost'])
    expect(await node.users.update('ann', '1', { live: true })).toBe(false)
    expect(await near.bus.ask(node.nodes.id, 1).catch((error: Error) => error.message)).toContain('answers nothing yet')
    expect((await near.nodes.all()).sort()).toEqual([near.nodes.id, node.nodes.id].sort())
  })

  test('nobody is taken for dead while Redis is away', async () => {
    const server = await redis()
    const settings = { urls: [server.url], deadAfter: 500, commandTimeout: 400 }
    const nodes = [await redisNode(settings), await redisNode(settings)]
    const events = nodes.map(() => new RecordingNode())
    for (const [n, node] of nodes.entries()) await node.nodes.start(events[n] as RecordingNode)
    server.signal('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    server.signal('SIGCONT')
    await insist(() => (nodes[0] as Broker).nodes.all())
    await until(async () => (await nodes[0]?.nodes.all())?.length === 2 || undefined, 'both to be there')
    await nodes[0]?.close()
    const told = await heardUntil(events[1] as RecordingNode, `inherit ${nodes[0]?.nodes.id}`)
    // What was asked when Redis stopped may be half done.
    expect(told.slice(0, -1).every((what) => what === 'restore')).toBe(true)
    expect(events[0]?.estates).toEqual([])
  })

  test('what others put into Redis is refused, and ends nothing', async () => {
    const server = await redis()
    const log = new RecordingLog()
    const near = await redisNode({ urls: [server.url], prefix: 'p:', log })
    await createChannel(near)
    await connectUser(near, '1')
    const { ear } = await listen(near)
    const userEar = new RecordingUserEar()
    await near.users.listen('ann', userEar)
    const nonsense = ['', 'T', 'T x', 'T a b c', 'O', 'E', 'R', 'A x y', '\u0000', 'T {} [] ()', 'x'.repeat(10_000)]
    for (const text of nonsense) {
      await server.call('SPUBLISH', 'p:0:{c:chat}', text)
      await server.call('SPUBLISH', 'p:0:{u:ann}', text)
      for (const letter of ['', 'Q ', 'A ', 'X ', 'W ', 'F ', 'B ']) {
        await server.call('SPUBLISH', `p:0:{n:${near.nodes.id}}`, letter + text)
      }
    }
    await near.log.append('chat', publish(1), told)
    expect(await ear.next()).toBe('PUBLISH 1')
    await near.messages.send('ann', '"payload":1')
    expect(await userEar.next()).toBe('[0,"MESSAGE",{"payload":1,"offset":1}]')
    expect(log.text).toContain('could not read')

    await server.call('RPUSH', 'p:{c:chat}:window', 'nonsense')
    await server.call('HSET', 'p:{u:ann}:connection:1', 'ticket', 'nonsense')
    await server.call('DEL', 'p:{c:chat}:members')
    await server.call('SET', 'p:{c:chat}:members', 'nonsense')
    const broken = { code: 'unavailable' }
    await expect(near.log.read('chat', keep, { ...(await nowhereOf(near)), offset: 1 })).rejects.toMatchObject(broken)
    await expect(near.users.find('ann')).rejects.toMatchObject(broken)
    await expect(near.channels.look('chat')).rejects.toMatchObject(broken)
  })
})

async function nowhereOf(node: Broker) {
  const { position } = (await node.log.append('chat', publish(2), onlyTold)) as {
    position: { epoch: string; offset: number }
  }
  return position
}
