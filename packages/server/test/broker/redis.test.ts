import { readFileSync } from 'node:fs'
import { lacksRedis } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { brokerContract } from '../contracts/broker.ts'
import { redisSetup, sharedRedis } from '../kit/redis.ts'

/** What `docs/more-than-one-machine.md` has an administrator allow the hub, and nothing else. */
function rights(): string[] {
  const docs = readFileSync(new URL('../../../../docs/more-than-one-machine.md', import.meta.url), 'utf8')
  const [, line = ''] = /^ *ACL (SETUSER hookbox [^`]*?)$/m.exec(docs.replaceAll(/ \\\n +/g, ' ')) ?? []
  // Each test has a prefix of its own.
  return line.replaceAll('hookbox:', 'test-').split(' ')
}

describe.skipIf(lacksRedis())('with Redis, as a user who may do no more than the documentation says', () => {
  const redis = sharedRedis(async (server) => {
    expect(await server.call('ACL', ...rights())).toBe('OK')
  })
  const url = () => redis().url.replace('//', '//hookbox:a-long-password@')

  brokerContract('Redis', async () => redisSetup([url()], { wait: 0 }))

  test('nothing was refused, and all commands are named one by one', async () => {
    expect(await redis().call('ACL', 'LOG')).toEqual([])
    expect(rights()).toContain('-@all')
    expect(rights().filter((word) => /^\+@|^all|^[~&]\*$/.test(word))).toEqual([])
  })
})
