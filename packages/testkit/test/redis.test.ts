import { existsSync } from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { callRedis, lacksRedis, patience, type Redis, startRedis, useRedis } from '../src/index.ts'

describe.skipIf(lacksRedis())('a Redis of the test', () => {
  test('keeps what it is given, and refuses what is wrong', async () => {
    await using redis = await startRedis()
    expect(await redis.call('SET', 'name', 'zoë\r\n')).toBe('OK')
    expect(await redis.call('GET', 'name')).toBe('zoë\r\n')
    expect(await redis.call('GET', 'nothing')).toBe(null)
    expect(await redis.call('INCRBY', 'count', 3)).toBe(3)
    expect(await redis.call('EVAL', "return {1, {'a', false}, redis.error_reply('no')}", 0)).toEqual([
      1,
      ['a', null],
      new Error('ERR no'),
    ])
    await expect(redis.call('GTE', 'name')).rejects.toThrow("unknown command 'GTE'")
  })

  test('listens on 127.0.0.1 alone, and leaves no file behind', async () => {
    const redis = await startRedis()
    expect(await redis.call('CONFIG', 'GET', 'bind')).toEqual(['bind', '127.0.0.1'])
    const folder = await folderOf(redis)
    expect(existsSync(folder)).toBe(true)
    await redis[Symbol.asyncDispose]()
    expect(existsSync(folder)).toBe(false)
    await expect(redis.call('PING')).rejects.toThrow('ECONNREFUSED')
  })

  test.each([
    { persistence: 'none', kept: null },
    { persistence: 'everysec', kept: 'here' },
  ] as const)('with persistence $persistence, after a kill it is back at its port with $kept', async (row) => {
    await using redis = await startRedis({ persistence: row.persistence })
    const { pid, port } = redis
    await redis.call('SET', 'name', 'here')
    expect(await redis.kill('SIGKILL')).toBe(null)
    await redis.restart()
    expect(redis.pid).not.toBe(pid)
    expect(redis.port).toBe(port)
    expect(await redis.call('GET', 'name')).toBe(row.kept)
  })

  test('ends by itself on SIGTERM', async () => {
    await using redis = await startRedis()
    expect(await redis.kill('SIGTERM')).toBe(0)
  })

  test('stopped it is silent, and goes on where it was', async () => {
    await using redis = await startRedis()
    redis.signal('SIGSTOP')
    await expect(callRedis(redis.url, ['PING'], 50)).rejects.toThrow('waited 50 ms for the answer of Redis to PING')
    redis.signal('SIGCONT')
    expect(await redis.call('PING')).toBe('PONG')
  })

  test('asks for its password', async () => {
    await using redis = await startRedis({ password: 'a:b/c @d' })
    expect(await redis.call('PING')).toBe('PONG')
    const stranger = `redis://127.0.0.1:${redis.port}`
    await expect(callRedis(stranger, ['PING'])).rejects.toThrow('NOAUTH')
    await expect(callRedis(stranger.replace('127', ':wrong@127'), ['PING'])).rejects.toThrow('WRONGPASS')
  })

  test('a replica has what its master is given, and stays what it is made', async () => {
    await using master = await startRedis({ password: 'secret' })
    await using replica = await startRedis({ password: 'secret', replicaOf: master })
    await master.call('SET', 'name', 'zoë')
    // before the call itself is given up
    expect(await master.call('WAIT', 1, patience - 1_000)).toBe(1)
    expect(await replica.call('GET', 'name')).toBe('zoë')
    await expect(replica.call('SET', 'name', 'x')).rejects.toThrow('READONLY')
    await replica.call('REPLICAOF', 'NO', 'ONE')
    await replica.call('CONFIG', 'REWRITE')
    await replica.restart()
    expect(await replica.call('ROLE')).toEqual(['master', expect.any(Number), []])
  })

  test('takes more lines of configuration, and says so where they are wrong', async () => {
    await using redis = await startRedis({ config: ['maxmemory 10mb', 'maxmemory-policy noeviction'] })
    expect(await redis.call('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', String(10 * 1024 * 1024)])
    await expect(startRedis({ config: ['maxmemry 10mb'] })).rejects.toThrow(/ended with 1: [\s\S]*maxmemry/)
  })

  test('what is said in pieces is understood', async () => {
    await using redis = await startRedis()
    const long = 'é'.repeat(100_000)
    await redis.call('SET', 'long', long)
    expect(await redis.call('MGET', 'long', 'none', 'long')).toEqual([long, null, long])
  })
})

describe('a Redis that is only called', () => {
  afterEach(() => vi.unstubAllEnvs())

  test.skipIf(lacksRedis())('is the one of REDIS_URL, where it is set', async () => {
    await using mine = await startRedis()
    vi.stubEnv('REDIS_URL', `${mine.url}/3`)
    const used = await useRedis()
    await used.call('SET', 'name', 'zoë')
    await used[Symbol.asyncDispose]()
    expect(await mine.call('GET', 'name')).toBe(null)
    expect(await callRedis(`${mine.url}/3`, ['GET', 'name'])).toBe('zoë')
  })

  test.skipIf(lacksRedis())('is one of its own elsewhere', async () => {
    vi.stubEnv('REDIS_URL', '')
    const used = await useRedis()
    expect(await used.call('DBSIZE')).toBe(0)
    await used[Symbol.asyncDispose]()
    await expect(used.call('PING')).rejects.toThrow('ECONNREFUSED')
  })
})

describe('without redis-server', () => {
  afterEach(() => vi.unstubAllEnvs())

  test.each([
    { ci: '', skipped: true },
    { ci: 'false', skipped: true },
    { ci: 'true', skipped: false },
  ])('tests are left out: $skipped, where CI is "$ci"', ({ ci, skipped }) => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    vi.stubEnv('PATH', '/nowhere')
    vi.stubEnv('CI', ci)
    expect(lacksRedis()).toBe(skipped)
    expect(warn).toHaveBeenCalledTimes(skipped ? 1 : 0)
  })

  test('whoever starts one is told', async () => {
    vi.stubEnv('PATH', '/nowhere')
    await expect(startRedis()).rejects.toThrow('spawn redis-server ENOENT')
  })
})

async function folderOf(redis: Redis): Promise<string> {
  const [, folder] = (await redis.call('CONFIG', 'GET', 'dir')) as string[]
  return folder ?? ''
}
