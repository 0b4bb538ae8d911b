import { lacksRedis } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import type { Appended, Retention } from '../../src/broker/broker.ts'
import { type Append, Appends, Backlog } from '../../src/broker/redis/appends.ts'
import { readTold } from '../../src/broker/redis/entries.ts'
import { createChannel, keep, listen, onlyTold, publish, told } from '../contracts/broker/kit.ts'
import { redisNode, sharedRedis } from '../kit/redis.ts'

/** What `Appends` runs, each of which is answered when the test says so. */
class Calls {
  readonly made: number[][] = []
  readonly #answers: ((error?: Error) => void)[] = []
  #offset = 0

  readonly run = (some: readonly Append[]): Promise<readonly Appended[]> => {
    this.made.push(some.map(({ what }) => Number(/\d+/.exec(what.inside)?.[0])))
    return new Promise((resolve, reject) => {
      this.#answers.push((error) => {
        if (error) reject(error)
        else resolve(some.map(() => ({ position: { epoch: 'e', offset: ++this.#offset }, duplicate: false })))
      })
    })
  }

  async answer(error?: Error): Promise<void> {
    this.#answers.shift()?.(error)
    await settled()
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)

describe('what is appended', () => {
  test('goes together where it comes together, and gathers while a call is under way', async () => {
    const calls = new Calls()
    const appends = new Appends(calls.run, new Backlog())
    const append = (n: number) => appends.append(publish(n), onlyTold)
    const outcomes = [1, 2].map(append)
    await settled()
    outcomes.push(...[3, 4].map(append))
    await settled()
    outcomes.push(append(5))
    expect(calls.made).toEqual([[1, 2]])
    expect(appends.idle).toBe(false)
    await calls.answer()
    expect(calls.made).toEqual([
      [1, 2],
      [3, 4, 5],
    ])
    await calls.answer()
    expect(appends.idle).toBe(true)
    expect((await Promise.all(outcomes)).map((one) => 'position' in one && one.position.offset)).toEqual([
      1, 2, 3, 4, 5,
    ])
    append(6)
    await settled()
    expect(calls.made.at(-1)).toEqual([6])
  })

  test('goes in calls of a bounded number, and of bounded bytes', async () => {
    const calls = new Calls()
    const appends = new Appends(calls.run, new Backlog())
    for (const n of range(1, 300)) appends.append(publish(n), onlyTold)
    await settled()
    await calls.answer()
    await calls.answer()
    expect(calls.made).toEqual([range(1, 128), range(129, 256), range(257, 300)])
    await calls.answer()
    const large = (n: number) => ({ ...publish(n), inside: `"payload":"${n}${'x'.repeat(100_000)}"` })
    for (const n of range(1, 3)) appends.append(large(n), onlyTold)
    appends.append({ ...publish(4), inside: `"payload":"4${'x'.repeat(500_000)}"` }, onlyTold)
    await settled()
    await calls.answer()
    await calls.answer()
    expect(calls.made.slice(3)).toEqual([[1, 2], [3], [4]])
  })

  test('goes with what keeps the same only, and in order', async () => {
    const calls = new Calls()
    const appends = new Appends(calls.run, new Backlog())
    const kept: Retention[] = [keep, { ...keep }, { ...keep, size: 9 }, { ...keep, duration: 9 }, keep]
    for (const [n, keep] of kept.entries()) appends.append(publish(n), { ...onlyTold, keep })
    await settled()
    for (const _ of range(1, 3)) await calls.answer()
    expect(calls.made).toEqual([[0, 1], [2], [3], [4]])
  })

  test('fails with its call, and what comes after it goes on', async () => {
    const calls = new Calls()
    const appends = new Appends(calls.run, new Backlog())
    const first = [1, 2].map((n) => appends.append(publish(n), onlyTold).catch(String))
    await settled()
    const second = appends.append(publish(3), onlyTold)
    await calls.answer(new Error('away'))
    expect(await Promise.all(first)).toEqual(['Error: away', 'Error: away'])
    await calls.answer()
    expect(await second).toMatchObject({ duplicate: false })
    expect(appends.idle).toBe(true)
  })

  test('fails at once beyond what may wait in all channels together, until there is room again', async () => {
    const calls = new Calls()
    const backlog = new Backlog()
    const [one, other] = [new Appends(calls.run, backlog), new Appends(calls.run, backlog)]
    const large = { ...publish(1), inside: `"payload":1,"x":"${'x'.repeat(17_000_000)}"` }
    const first = one.append(large, onlyTold)
    await settled()
    await expect(other.append(large, onlyTold)).rejects.toMatchObject({ code: 'unavailable', temporary: true })
    await calls.answer()
    await first
    other.append(large, onlyTold)
    await settled()
    expect(calls.made).toEqual([[1], [1]])
  })
})

describe('what a topic tells', () => {
  const entry = (n: number) => `1 PUBLISH - [0,"PUBLISH",{"payload":${n}}]`
  const says = (first: number, ...payloads: number[]) => `e ${first} ${payloads.map(entry).join('\n')}`
  const read = (text: string, offset: number, epoch = 'e') =>
    readTold(text, { epoch, offset })?.map(({ position, frame }) => `${position.offset} ${frame.text}`)

  test('is heard from where one stands on', () => {
    expect(read(says(1, 10, 20), 0)).toEqual(['1 [0,"PUBLISH",{"payload":10}]', '2 [0,"PUBLISH",{"payload":20}]'])
    expect(read(says(1, 10, 20, 30), 2)).toEqual(['3 [0,"PUBLISH",{"payload":30}]'])
    expect(read(says(1, 10, 20), 2)).toEqual([])
    expect(read(says(1, 10, 20), 7)).toEqual([])
  })

  test('does not follow after a gap, or in another epoch', () => {
    expect(read(says(3, 30), 1)).toBeUndefined()
    expect(read(says(1, 10), 0, 'f')).toBeUndefined()
  })
})

describe.skipIf(lacksRedis())('in Redis', () => {
  const redis = sharedRedis()

  /** How often a command was called. */
  async function calls(command: string): Promise<number> {
    const stats = String(await redis().call('INFO', 'commandstats'))
    return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0)
  }

  test('what is appended in one turn is one call, kept in one step, and told at once', async () => {
    const node = await redisNode({ urls: [redis().url], probe: 600_000, heartbeat: 600_000 })
    await createChannel(node)
    const { ear } = await listen(node)
    await node.log.append('chat', publish(0), told)
    await ear.take(1)
    const counted = ['evalsha', 'spublish', 'rpush', 'lpop', 'hset']
    const before = await Promise.all(counted.map(calls))
    await Promise.all(range(1, 100).map((n) => node.log.append('chat', publish(n), told)))
    await ear.take(100)
    const after = await Promise.all(counted.map(calls))
    const made = Object.fromEntries(counted.map((command, i) => [command, (after[i] ?? 0) - (before[i] ?? 0)]))
    expect(made).toEqual({ evalsha: 1, spublish: 1, rpush: 2, lpop: 1, hset: 2 })
  })

  test('counts the bytes of what it keeps, whatever falls out', async () => {
    const node = await redisNode({ urls: [redis().url], prefix: 'counted:' })
    await createChannel(node)
    const kept: Retention = { size: 30, duration: 0, publishOnly: false }
    for (const count of [100, 1_200, 5]) {
      const some = range(1, count).map((n) => {
        const inside = `"payload":"${'é'.repeat(n % 7)}"`
        return node.log.append('chat', { name: 'PUBLISH', inside, at: 0 }, { told: true, kept: n % 3 > 0, keep: kept })
      })
      await Promise.all(some)
      const list = async (part: string) =>
        (await redis().call('LRANGE', `counted:{c:chat}:${part}`, '0', '-1')) as string[]
      const bytes = async (part: string, before: RegExp) =>
        (await list(part)).reduce((sum, entry) => sum + Buffer.byteLength(entry.replace(before, '')), 0)
      const field = (name: string) => redis().call('HGET', 'counted:{c:chat}:meta', name)
      expect(Number(await field('bytes'))).toBe(await bytes('window', /^\S+ \S+ \S+ /))
      expect(Number(await field('kept_bytes'))).toBe(await bytes('history', /^\S+ \S+ \S+ \S /))
      expect((await list('history')).length).toBe(30)
    }
    expect((await redis().call('LLEN', 'counted:{c:chat}:window')) as number).toBe(1_000)
  })
})
