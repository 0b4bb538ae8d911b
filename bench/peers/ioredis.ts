// What the Redis client of the hub reaches by itself: it runs the script by which the hub appends a publish to the log of a
// channel, with the arguments that the hub would give it, on a connection like the hub's. Nobody listens.
import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { JsonText } from '@hookbox/protocol'
import { connectionTo } from '../../packages/server/src/broker/redis/connection.ts'
import { nowhere } from '../../packages/server/src/broker/redis/context.ts'
import { appendsArgs, idArgs, keepArgs } from '../../packages/server/src/broker/redis/entries.ts'
import { Keys } from '../../packages/server/src/broker/redis/keys.ts'
import { appendToChannel } from '../../packages/server/src/broker/redis/lua/channel.ts'
import { createRedisBroker } from '../../packages/server/src/broker/redis/redis-broker.ts'
import { keysOf } from '../../packages/server/src/broker/redis/servers.ts'
import { systemClock } from '../../packages/server/src/clock.ts'
import { datetimeText } from '../../packages/server/src/datetime.ts'
import { randomId } from '../../packages/server/src/ids.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'in-flight': { type: 'string' }, warmup: { type: 'string' }, duration: { type: 'string' } },
})
const url = new URL(positionals[0] ?? '')
const channel = 'c0'
const keep = { size: 50, duration: 0, publishOnly: false }
const how = { told: true, kept: true }
const payload = `{"t":"@T0123456789012345","p":"${'x'.repeat(97)}"}`
const origin = randomId()

await createChannel()
const redis = await connected()
const life = field('master_replid', await redis.info('replication'))
const spot = new Keys('hookbox:', '0').channel(channel)
const keys = keysOf(appendToChannel, spot)

let appended = 0
let over = false

const all = Promise.all(Array.from({ length: Number(values['in-flight']) }, append))
await Promise.race([all, pause(Number(values.warmup) * 1_000)])
const before = { appended, cpu: process.cpuUsage(), redis: await secondsOfRedis(), at: performance.now() }
await Promise.race([all, pause(Number(values.duration) * 1_000)])
const seconds = (performance.now() - before.at) / 1_000
const done = appended - before.appended
const { user, system } = process.cpuUsage(before.cpu)
const redisSeconds = (await secondsOfRedis()) - before.redis
over = true
await all
const figures = {
  msgs_per_s: Math.round(done / seconds),
  cpu_us: (user + system) / done,
  redis_us: (redisSeconds * 1_000_000) / done,
  lost: appended - Number(await redis.hget(spot.key('meta'), 'offset')),
}
process.stdout.write(`${JSON.stringify(figures)}\n`)
process.exit()

async function append(): Promise<void> {
  while (!over) {
    const at = Date.now()
    const inside = `"user":"u0","payload":${payload},"datetime":${datetimeText(at)}`
    const what = { name: 'PUBLISH', at, origin, inside } as const
    const log = [spot.topic, at, randomId(), nowhere.epoch, nowhere.offset]
    const args = [
      life,
      ...log,
      ...idArgs,
      ...keepArgs(keep),
      ...appendsArgs(channel, [{ what, how: { ...how, keep } }]),
    ]
    await redis.call('EVALSHA', appendToChannel.sha, keys.length, ...keys, ...args)
    appended++
  }
}

async function createChannel(): Promise<void> {
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const broker = createRedisBroker({ urls: [url.href], clock: systemClock, log })
  await broker.ready()
  await broker.channels.create(channel, '{}' as JsonText, { history: [], state: new Map(), keep })
  await broker.close()
}

async function connected(): Promise<ReturnType<typeof connectionTo>> {
  const { Redis } = createRequire(new URL('../../packages/server/package.json', import.meta.url))('ioredis')
  const address = { host: url.hostname, port: Number(url.port), database: 0, tls: false, cluster: false }
  const made = connectionTo(Redis, address, 2_000, (error) => {
    throw error
  })
  await made.connect()
  await made.call('SCRIPT', 'LOAD', appendToChannel.text)
  return made
}

async function secondsOfRedis(): Promise<number> {
  const info = await redis.info('cpu')
  return Number(field('used_cpu_user', info)) + Number(field('used_cpu_sys', info))
}

function field(name: string, info: string): string {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
}
