import { randomBytes } from 'node:crypto'
import { lacksRedis } from '@hookbox/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Operator } from '../kit/operator.ts'
import { sharedRedis } from '../kit/redis.ts'
import { RunningHub } from '../kit/running-hub.ts'

const adminPassword = 'a password for the console alone'

describe.skipIf(lacksRedis())('the console of two nodes', () => {
  const redis = sharedRedis()
  let nodes: readonly [RunningHub, RunningHub]

  beforeAll(async () => {
    const shared = {
      adminPassword,
      redis: redis().url,
      redisPrefix: `test-${randomBytes(4).toString('hex')}:`,
      drain: 0,
    }
    const begin = () => RunningHub.start({ create_channel: [true, { presenceful: true }] }, shared)
    nodes = [await begin(), await begin()]
  })

  afterAll(async () => {
    for (const node of nodes) await node[Symbol.asyncDispose]()
  })

  async function signedIn(): Promise<Operator> {
    const operator = new Operator(nodes[0].url)
    expect(await operator.signIn(adminPassword)).toMatchObject({ status: 200 })
    return operator
  }

  test('knows at one node who has signed in at the other, and who has gone', async () => {
    const here = await signedIn()
    const there = here.at(nodes[1].url)
    expect((await there.get('session')).body).toMatchObject({ signedIn: true })
    await there.delete('session')
    expect((await here.get('session')).body).toEqual({ signedIn: false })
  })

  test('shows what each of them does, and what they come to together', async () => {
    const pages = [await nodes[0].page('ann'), await nodes[1].page('ann'), await nodes[1].page('bob')]
    for (const page of pages) await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    const operator = await signedIn()
    const feed = await operator.feed({ name: 'webhooks' })
    const { figures } = await feed.next('figures', ({ figures }) => figures.nodes.length === 2)
    expect(figures).toMatchObject({ users: 2, channels: 1, sums: { connections: 3 }, silent: [] })
    expect(figures.nodes.map(({ here, connections }) => [here, connections])).toEqual([
      [true, 1],
      [false, 2],
    ])
    const { calls } = await feed.next('webhooks')
    expect(new Set(calls.map(({ node }) => node))).toEqual(new Set(figures.nodes.map(({ node }) => node)))
    const { user } = await (await operator.feed({ name: 'user', user: 'ann' })).next('user')
    expect(user.connections.map(({ transport }) => transport)).toEqual(['websocket', 'websocket'])
    operator.leave()
    for (const page of pages) await page.close()
  })

  test('acts at whichever node what it is about is', async () => {
    const page = await nodes[1].page('cleo')
    await page.ask('SUBSCRIBE', { channel_name: 'den' })
    const operator = await signedIn()
    await operator.post('call/publish', { channel_name: 'den', payload: 'hello', originator: 'the operator' })
    expect((await page.next('PUBLISH')).args).toMatchObject({ payload: 'hello', user: 'the operator' })
    await operator.post('call/disconnect_user', { user_name: 'cleo' })
    expect((await page.closed).code).toBe(4403)
  })

  test('counts the tries at all of them together', async () => {
    const [first, second] = nodes.map(({ url }) => new Operator(url)) as [Operator, Operator]
    const tries = [first, second, first, second, first].map((one) => one.signIn('a wrong one'))
    expect((await Promise.all(tries)).map(({ status }) => status)).toEqual([401, 401, 401, 401, 401])
    expect(await second.signIn(adminPassword)).toMatchObject({ status: 429 })
  })
})
