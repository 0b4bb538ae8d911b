import { describe, expect, test } from 'vitest'
import { readUrls } from '../../src/broker/redis/address.ts'

const plain = { database: 0, tls: false, cluster: false }

describe('where Redis is', () => {
  test.each([
    ['redis://db', { host: 'db', port: 6379, ...plain }],
    ['redis://db:7000/3', { host: 'db', port: 7000, ...plain, database: 3 }],
    ['REDISS://u%40x:p%3Aw@db', { host: 'db', port: 6379, username: 'u@x', password: 'p:w', ...plain, tls: true }],
    ['redis://:p@[::1]:7000', { host: '::1', port: 7000, password: 'p', ...plain }],
  ])('%s is one server', (url, address) => {
    expect(readUrls([url])).toEqual({ kind: 'shards', shards: [{ kind: 'server', address }] })
  })

  test('several URLs are shards, in their order', () => {
    const place = readUrls(['redis://a', 'redis+sentinel://s1:1,s2/mine', 'redis://b'])
    expect(place).toMatchObject({
      kind: 'shards',
      shards: [{ kind: 'server' }, { kind: 'sentinel' }, { kind: 'server' }],
    })
  })

  test('Sentinels stand with the name of their master, its database, and a password of their own', () => {
    expect(readUrls(['rediss+sentinel://:p@s1,s2:7/my%20master/2?sentinel_password=q%3D'])).toEqual({
      kind: 'shards',
      shards: [
        {
          kind: 'sentinel',
          master: 'my master',
          as: { password: 'p', database: 2, tls: true, cluster: false },
          sentinels: [
            { host: 's1', port: 26379, password: 'q=', database: 0, tls: true, cluster: false },
            { host: 's2', port: 7, password: 'q=', database: 0, tls: true, cluster: false },
          ],
        },
      ],
    })
  })

  test('a cluster is known by some of its nodes', () => {
    expect(readUrls(['redis+cluster://:p@a:1,b'])).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 1, password: 'p', database: 0, tls: false, cluster: true },
        { host: 'b', port: 6379, password: 'p', database: 0, tls: false, cluster: true },
      ],
    })
  })

  test.each([
    [[], 'expected at least one URL'],
    [['http://:secret@a'], 'got "http://a"'],
    [['redis://:secret@a,b'], 'got "redis://a,b"'],
    [['redis://:secret@a/x'], 'expected the number of a database, got "redis://a/x"'],
    [['redis://a:b:c'], 'expected host:port, got "redis://a:b:c"'],
    [['redis://user:sec/ret@secret@a:b:c'], 'got "redis://a:b:c"'],
    [['redis://:%secret@a'], 'expected % in a URL'],
    [['redis+sentinel://a:b:c/m?sentinel_password=secret'], 'got "redis+sentinel://a:b:c/m"'],
    [['redis://a?wait=1'], 'has wait, which is not known'],
    [['redis+sentinel://a'], 'got "redis+sentinel://a"'],
    [['redis+cluster://a/1'], 'a cluster has no databases'],
    [['redis+cluster://a', 'redis://b'], 'expected one cluster and nothing besides'],
  ])('%j is refused, and shows no password', (urls, text) => {
    let message = ''
    try {
      readUrls(urls)
    } catch (error) {
      message = String(error)
    }
    expect(message).toContain(text)
    expect(message).not.toContain('secret')
  })
})
