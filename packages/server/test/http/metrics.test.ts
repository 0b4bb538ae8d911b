import { connect } from 'node:net'
import { lacksRedis, startRedis, until } from '@hookbox/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createHookbox } from '../../src/hookbox.ts'
import { metrics } from '../../src/http/metrics-table.ts'
import { readyTimeout } from '../../src/http/ready.ts'
import { RunningHub, restSecret } from '../kit/running-hub.ts'

const bearer = { authorization: `Bearer ${restSecret}` }

/** Sample, as `name{label="value"}` → its number. */
async function scrape(url: string): Promise<Map<string, number>> {
  const response = await fetch(`${url}/metrics`, { headers: bearer })
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ])
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}

describe('/metrics', () => {
  test('what happened on a hub is what it tells', async () => {
    await using hub = await RunningHub.start({
      create_channel: [true, { moderated: false, history_size: 3 }],
      message: [false, { error: 'no' }],
    })
    const [ann, bob] = [await hub.page('ann'), await hub.page('bob')]
    for (const page of [ann, bob]) await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    for (const payload of [1, 2]) await ann.ask('PUBLISH', { channel_name: 'chat', payload })
    await bob.next('PUBLISH', ({ payload }) => payload === 2)
    await ann.ask('MESSAGE', { name: 'bob', payload: 1 }).catch(() => {})
    await hub.rest('publish', { channel_name: 'none' })
    await hub.rest('made_up_by_a_stranger')
    const told = await scrape(hub.url)
    const of = (name: string) => told.get(`hookbox_${name}`)
    const expected = {
      'info{version="0.0.0"}': 1,
      ready: 1,
      broker_up: 1,
      'connections{transport="websocket"}': 2,
      'connections{transport="event-stream"}': 0,
      'unsent_bytes{transport="websocket"}': 0,
      users: 2,
      channels: 1,
      subscriptions: 2,
      'connections_opened_total{transport="websocket"}': 2,
      'publishes_total{outcome="published"}': 2,
      deliveries_total: expect.any(Number),
      messages_total: 0,
      'errors_total{code="refused"}': 1,
      'webhook_calls_total{webhook="connect",outcome="allowed"}': 2,
      'webhook_calls_total{webhook="message",outcome="refused"}': 1,
      'webhook_faults_total{webhook="connect",kind="time"}': 0,
      'webhook_duration_seconds_count{webhook="connect"}': 2,
      'webhook_duration_seconds_bucket{le="+Inf",webhook="connect"}': 2,
      'webhook_duration_seconds_bucket{le="30",webhook="connect"}': 2,
      webhooks_given_up_total: 0,
      'rest_calls_total{method="publish",code="unknown_channel"}': 1,
      'rest_calls_total{method="unknown",code="unknown_method"}': 1,
      received_frames_total: 7,
    }
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, of(name)]))).toEqual(expected)
    expect(of('received_bytes_total')).toBeGreaterThan(200)
    expect(of('sent_bytes_total')).toBeGreaterThan(of('sent_frames_total') ?? Number.POSITIVE_INFINITY)
    expect(told.get('process_resident_memory_bytes')).toBeGreaterThan(1_000_000)

    ann.close(4508)
    const closed = 'connections_closed_total{code="4508"}'
    await until(
      async () => (await scrape(hub.url)).get(`hookbox_${closed}`) === 1 || undefined,
      'the line to be counted',
    )
  })

  test('names follow the rules: unit and _total at the end, help that ends in a full stop', () => {
    for (const { name, help, type } of metrics) {
      expect(name).toMatch(/^hookbox_[a-z_]+$/)
      expect(name.endsWith('_total')).toBe(type === 'counter')
      expect(help).toMatch(/^[A-Z0-9].*\.$/)
    }
    expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length)
  })

  test.each([
    { name: 'no secret', headers: {}, path: '', status: 401 },
    { name: 'a wrong one', headers: { authorization: 'Bearer guessed' }, path: '', status: 401 },
    { name: 'the secret in the query', headers: {}, path: `?secret=${encodeURIComponent(restSecret)}`, status: 200 },
    { name: 'the secret as a bearer token', headers: bearer, path: '', status: 200 },
  ])('on the port of pages, $name: $status', async ({ headers, path, status }) => {
    await using hub = await RunningHub.start()
    const response = await fetch(`${hub.url}/metrics${path}`, { headers })
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([
      status,
      status === 401 ? 'Bearer' : null,
    ])
  })

  const embedded = { callbacks: { connect: () => ({ name: 'ann' }) }, port: 0, logLevel: 'silent' } as const

  test('without a REST secret they are off there, and say so', async () => {
    const hookbox = createHookbox(embedded)
    onTestFinished(() => hookbox.close())
    const response = await fetch(`${(await hookbox.listen()).url}/metrics`)
    const off = { error: expect.stringContaining('--api-security-token') }
    expect([response.status, await response.json()]).toEqual([503, off])
  })

  test('on a REST port of its own everyone who reaches it may look', async () => {
    const hookbox = createHookbox({ ...embedded, webApiPort: 0 })
    onTestFinished(() => hookbox.close())
    const { restUrl } = await hookbox.listen()
    const response = await fetch(`${restUrl}/metrics`)
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('\nhookbox_users 0\n')])
  })
})

describe('/ready', () => {
  test('a hub in memory is ready once it listens', async () => {
    await using hub = await RunningHub.start()
    const response = await fetch(`${hub.url}/ready`)
    expect([response.status, await response.json()]).toEqual([200, { status: 'ready' }])
  })

  test('one that is stopping says so at once on a line that is open still', async () => {
    await using hub = await RunningHub.start()
    const socket = connect(Number(new URL(hub.url).port), '127.0.0.1')
    let answer = ''
    const ended = new Promise<void>((resolve) => socket.on('close', resolve))
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
    // Taken for a request that is on its way, which closing waits for; this answer shows that it has been read.
    socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /ready HTTP/1.1\r\nHost: localhost\r\n')
    await until(() => answer.includes('uptime') || undefined, 'the first answer')
    const closed = hub.hookbox.close()
    socket.write('\r\n')
    await Promise.all([ended, closed])
    expect(answer).toContain('HTTP/1.1 503')
    expect(answer).toContain('{"status":"stopping","reason":"the hub is stopping"}')
  })

  test.skipIf(lacksRedis())('one whose Redis falls silent is alive and not ready, until it goes on', async () => {
    await using redis = await startRedis()
    await using hub = await RunningHub.start({}, { redis: redis.url })
    const look = async () => {
      const response = await fetch(`${hub.url}/ready`)
      return [response.status, ((await response.json()) as { status: string }).status]
    }
    expect(await look()).toEqual([200, 'ready'])
    redis.signal('SIGSTOP')
    const begun = performance.now()
    expect(await look()).toEqual([503, 'unavailable'])
    expect(performance.now() - begun).toBeLessThan(readyTimeout + 1_000)
    expect((await fetch(`${hub.url}/health`)).status).toBe(200)
    await until(
      async () => (await scrape(hub.url)).get('hookbox_broker_up') === 0 || undefined,
      'the line to be given up',
    )
    redis.signal('SIGCONT')
    await until(async () => (await look())[0] === 200 || undefined, 'Redis to be reached again')
    expect((await scrape(hub.url)).get('hookbox_broker_up')).toBe(1)
  })
})
