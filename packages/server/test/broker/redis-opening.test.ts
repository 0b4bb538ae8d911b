import { type AddressInfo, createServer, type Socket } from 'node:net'
import { freePort, lacksRedis, type Redis, startRedis, TestClock, until } from '@hookbox/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createRedisBroker, type RedisBrokerOptions } from '../../src/broker/redis/redis-broker.ts'
import { createChannel, keep, publish, RecordingNode, told } from '../contracts/broker/kit.ts'
import { RecordingLog } from '../kit/recording-log.ts'
import { redisNode } from '../kit/redis.ts'

async function redis(options: Parameters<typeof startRedis>[0] = {}): Promise<Redis> {
  const started = await startRedis(options)
  onTestFinished(() => started[Symbol.asyncDispose]())
  return started
}

async function open(url: string, options: Partial<RedisBrokerOptions> = {}): Promise<void> {
  const log = new RecordingLog()
  const node = createRedisBroker({ urls: [url], clock: new TestClock(), log, ...options })
  onTestFinished(() => node.crash())
  await expect(node.log.read('chat', keep)).rejects.toMatchObject({ code: 'unavailable' })
  await node.nodes.start(new RecordingNode())
}

/** A server that speaks just enough to be asked what it is. */
async function pretending(info: string): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      for (const command of bytes.toString().split(/(?=^\*\d+\r\n)/m)) {
        if (/HELLO/i.test(command)) socket.write('-NOPROTO unsupported protocol version\r\n')
        else if (/INFO/i.test(command)) socket.write(`$${info.length}\r\n${info}\r\n`)
        else socket.write('+OK\r\n')
      }
    })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await until(() => server.listening || undefined, 'the server to listen')
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('opening a broker over Redis', () => {
  test.each([
    ['redis_version:6.2.14\r\nrole:master\r\n', 'expected Redis 7.0 or newer, got 6.2.14'],
    ['', 'expected Redis 7.0 or newer, got unknown'],
    ['redis_version:7.2.4\r\ncluster_enabled:1\r\n', 'expected no node of a cluster (see redis+cluster://)'],
    ['redis_version:7.2.4\r\nrole:master\r\n', 'expected a master_replid'],
  ])('a server that says %j is refused', async (info, text) => {
    await expect(open(await pretending(info))).rejects.toThrow(text)
  })

  test('a replica is waited for, as it may be promoted', async () => {
    const url = await pretending('redis_version:7.2.4\r\nrole:slave\r\n')
    await expect(open(url, { patience: 400 })).rejects.toThrow('expected a master, got a slave')
  })

  test('a server that is not there is waited for, and then named', async () => {
    const port = await freePort()
    const patience = 400
    await expect(open(`redis://:secret@127.0.0.1:${port}`, { patience })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(new RegExp(`^Redis at 127.0.0.1:${port} cannot be reached: .*ECONNREFUSED`)),
    })
    await expect(open(`redis+cluster://127.0.0.1:${port}`, { patience })).rejects.toThrow(
      'the Redis cluster cannot be reached',
    )
    await expect(open(`redis+sentinel://127.0.0.1:${port}/mine`, { patience })).rejects.toThrow(
      'no Sentinel says where "mine" is',
    )
  })

  test('a server that says nothing is no server', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    await until(() => silent.listening || undefined, 'the server to listen')
    const { port } = silent.address() as AddressInfo
    const opening = open(`redis://127.0.0.1:${port}`, { connectTimeout: 100, patience: 400 })
    await expect(opening).rejects.toThrow('not connected within 100 ms')
  })
})

describe.skipIf(lacksRedis())('opening a broker over a Redis', () => {
  test('that asks for a password: with the right one, and with a wrong one at once', async () => {
    const server = await redis({ password: 'right' })
    const port = server.port
    const node = await redisNode({ urls: [`redis://:right@127.0.0.1:${port}`] })
    await createChannel(node)
    const start = performance.now()
    await expect(open(`redis://:wrong@127.0.0.1:${port}`, { patience: 20_000 })).rejects.toThrow('WRONGPASS')
    await expect(open(`redis://127.0.0.1:${port}`, { patience: 20_000 })).rejects.toThrow('NOAUTH')
    expect(performance.now() - start).toBeLessThan(5_000)
  })

  test('that comes later than the hub', async () => {
    const port = await freePort()
    const opening = redisNode({ urls: [`redis://127.0.0.1:${port}`] })
    await redis({ port })
    await createChannel(await opening)
  })

  test('that forgets keys when its memory is full, with a warning', async () => {
    const server = await redis({ config: ['maxmemory 100mb', 'maxmemory-policy allkeys-lru'] })
    const log = new RecordingLog()
    await redisNode({ urls: [server.url], log })
    expect(log.lines.find(({ level }) => level === 'warn')).toMatchObject({
      fields: { policy: 'allkeys-lru' },
      message: expect.stringContaining('expected maxmemory-policy noeviction'),
    })
  })

  test('in one of its databases, apart from the others', async () => {
    const server = await redis()
    const [zero, one] = [await redisNode({ urls: [server.url] }), await redisNode({ urls: [`${server.url}/1`] })]
    await createChannel(zero)
    expect(await one.channels.names()).toEqual([])
    await createChannel(one)
    await one.log.append('chat', publish(1), told)
    expect(await one.log.append('chat', publish(2), told)).toMatchObject({ position: { offset: 2 } })
    expect(await zero.log.append('chat', publish(1), told)).toMatchObject({ position: { offset: 1 } })
  })

  test('leaves nothing open when it closes', async () => {
    const server = await redis()
    const node = await redisNode({ urls: [server.url] })
    const clients = async () => String(await server.call('CLIENT', 'LIST')).match(/name=hookbox/g)?.length ?? 0
    expect(await clients()).toBe(2)
    await node.close()
    await until(async () => (await clients()) === 0 || undefined, 'the lines to be closed')
  })
})
