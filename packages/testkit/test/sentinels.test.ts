import { describe, expect, test } from 'vitest'
import { lacksRedis, startSentinels } from '../src/index.ts'

describe.skipIf(lacksRedis())('three Sentinels', () => {
  test('know the master and its replicas', async () => {
    await using redis = await startSentinels({ replicas: 2 })
    const [first] = redis.servers
    expect(redis.servers).toHaveLength(3)
    expect(redis.sentinels).toHaveLength(3)
    expect(await redis.master()).toBe(first)
    expect(await first?.call('ROLE')).toEqual(['master', expect.any(Number), [expect.anything(), expect.anything()]])
    await redis.sentinels[0]?.kill()
    expect(await redis.master()).toBe(first)
  })

  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    'put the replica in place of a master that is gone by %s',
    async (how) => {
      await using redis = await startSentinels({ password: 'a secret' })
      const old = await redis.master()
      await old.call('SET', 'name', 'zoë')
      await old.call('WAIT', 1, 1000)
      if (how === 'SIGKILL') await old.kill(how)
      else old.signal(how)
      const master = await redis.promoted(old)
      expect(master).toBe(redis.servers[1])
      expect(await master.call('GET', 'name')).toBe('zoë')

      if (how === 'SIGKILL') await old.restart()
      else old.signal('SIGCONT')
      await redis.demoted(old)
      expect(await old.call('GET', 'name')).toBe('zoë')
      expect(await redis.master()).toBe(master)
    },
    30_000,
  )

  test('can do it again', async () => {
    await using redis = await startSentinels()
    const [one, other] = redis.servers
    if (one === undefined || other === undefined) throw new Error('there are no servers')
    await one.kill()
    expect(await redis.promoted(one)).toBe(other)
    await one.restart()
    await redis.demoted(one)
    await other.kill()
    expect(await redis.promoted(other)).toBe(one)
  }, 30_000)
})
