import { describe, expect, test } from 'vitest'
import { lacksRedis, startRedisCluster, until } from '../src/index.ts'

describe.skipIf(lacksRedis())('a Redis Cluster', () => {
  test('has three masters, and every slot has one of them', async () => {
    await using cluster = await startRedisCluster()
    expect(cluster.masters).toHaveLength(3)
    expect(cluster.replicas).toEqual([])
    for (const key of ['a', 'zoë', '{tag}b', '{}c', '']) {
      const slot = cluster.slotOf(key)
      expect(await cluster.masters[0].call('CLUSTER', 'KEYSLOT', key)).toBe(slot)
      expect(await (await cluster.ownerOf(slot))?.call('SET', key, 'here')).toBe('OK')
    }
  }, 30_000)

  test('a slot moves with its keys to another master', async () => {
    await using cluster = await startRedisCluster({ password: 'secret' })
    const [first, , last] = cluster.masters
    const slot = cluster.slotOf('{a}')
    const owner = await cluster.ownerOf(slot)
    for (let i = 0; i < 150; i++) await owner?.call('SET', `{a}${i}`, i)
    const to = owner === last ? first : last
    await cluster.moveSlot(slot, to)
    expect(await cluster.ownerOf(slot)).toBe(to)
    expect(await to.call('CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe(150)
    expect(await to.call('GET', '{a}149')).toBe('149')
    await expect(owner?.call('GET', '{a}149')).rejects.toThrow(`MOVED ${slot} 127.0.0.1:${to.port}`)
    await cluster.ready()
  }, 30_000)

  test('a replica takes the place of a master that is killed, and that one follows it then', async () => {
    await using cluster = await startRedisCluster({ replicas: true, persistence: 'everysec' })
    const [master] = cluster.masters
    const [replica] = cluster.replicas
    await master.kill()
    await cluster.ready()
    expect(await cluster.ownerOf(0)).toBe(replica)
    await master.restart()
    await cluster.ready()
    expect(await cluster.ownerOf(0)).toBe(replica)
    const follows = async () => {
      const [role, , masterPort] = (await master.call('ROLE')) as unknown[]
      return role === 'slave' && masterPort === replica?.port ? true : undefined
    }
    await until(follows, 'the old master to follow')
  }, 30_000)
})
