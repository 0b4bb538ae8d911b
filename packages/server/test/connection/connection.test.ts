import { settle } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { refuse, TestHub } from '../kit/hub.ts'

describe('CONNECT', () => {
  test('is answered with who the application says this is', async () => {
    await using hub = new TestHub({ connect: { name: 'ann' } })
    const page = hub.stranger('session=1')
    const connected = await page.ask('CONNECT', { payload: { room: 3 }, client: 'test/1' })
    expect(connected).toEqual({
      name: 'ann',
      payload: { room: 3 },
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      ticket: expect.stringMatching(/^[0-9a-f]{32}$/),
      ping: 25,
      linger: 0,
      limits: { frame: 65_536, message: 1_048_576, channels: 128 },
      messages: { position: expect.stringMatching(/^[0-9a-f]{32}:0$/) },
    })
    expect(hub.asked('connect')).toMatchObject([
      { fields: { conn_id: connected.id, payload: { room: 3 } }, cookies: 'session=1' },
    ])
  })

  test('hands on what the application put in place of the payload', async () => {
    await using hub = new TestHub({ connect: { name: 'ann', override_payload: { role: 'admin' } } })
    expect((await hub.stranger().ask('CONNECT', {})).payload).toEqual({ role: 'admin' })
  })

  test('refused by the application says why, and closes for good', async () => {
    await using hub = new TestHub({ connect: refuse('log in first') })
    const page = hub.stranger()
    await expect(page.ask('CONNECT', {})).rejects.toMatchObject({ code: 'unauthorized', message: 'log in first' })
    expect(page.end).toEqual({ code: 4401, reason: 'log in first' })
  })

  test('that the application could not be asked about closes for the time being', async () => {
    await using hub = new TestHub({ connect: new Error('down') })
    const page = hub.stranger()
    await expect(page.ask('CONNECT', {})).rejects.toMatchObject({ code: 'webhook_failed', temporary: true })
    expect(page.end?.code).toBe(4502)
  })

  test.each([
    ['without a name', {}],
    ['with a name that is none', { name: 7 }],
    ['with a user option of the wrong type', { name: 'ann', reflective: 'sometimes' }],
  ])('answered %s is a fault of the application', async (_name, details) => {
    await using hub = new TestHub({ connect: details })
    const page = hub.stranger()
    await expect(page.ask('CONNECT', {})).rejects.toMatchObject({ code: 'webhook_failed' })
    expect(page.end?.code).toBe(4502)
    expect(hub.logged.some(({ level }) => level === 'error')).toBe(true)
  })

  test('brings the user into the channels that the application names', async () => {
    await using hub = new TestHub({ connect: { name: 'ann', auto_subscribe: ['news', 'chat'] }, create_channel: {} })
    const page = hub.stranger('session=1')
    await page.ask('CONNECT', {})
    await settle()
    expect(page.all('SUBSCRIBED').map(({ channel_name }) => channel_name)).toEqual(['news', 'chat'])
    expect(page.frames.filter(({ name }) => name === 'SUBSCRIBED').map(({ id }) => id)).toEqual([0, 0])
    expect(hub.asked('subscribe')).toEqual([])
    expect(hub.asked('create_channel').map(({ cookies }) => cookies)).toEqual(['session=1', 'session=1'])
  })

  test('takes the cookies of the page that the handshake lacks, and no others', async () => {
    await using hub = new TestHub({ connect: { name: 'ann' } })
    await hub.stranger('session=real').ask('CONNECT', { cookie_string: 'session=forged; theme=dark' })
    expect(hub.asked('connect')[0]?.cookies).toBe('session=real; theme=dark')
  })

  test('takes up everything that came with it in the same message, in order', async () => {
    let admit = (_details: unknown) => {}
    await using hub = new TestHub({
      connect: () => new Promise((resolve) => (admit = resolve)),
      create_channel: { moderated: false },
    })
    const page = hub.stranger()
    const frames = [
      [1, 'CONNECT', {}],
      [2, 'SUBSCRIBE', { channel_name: 'a' }],
      [3, 'SUBSCRIBE', { channel_name: 'b' }],
      [4, 'PUBLISH', { channel_name: 'a', payload: 1 }],
    ]
    page.connection.received(frames.map((frame) => JSON.stringify(frame)).join('\n'))
    await settle()
    expect(page.frames).toEqual([])
    admit({ name: 'ann' })
    await settle()
    expect(page.frames.map(({ id, name }) => [id, name])).toEqual([
      [1, 'CONNECTED'],
      [2, 'SUBSCRIBED'],
      [3, 'SUBSCRIBED'],
      [0, 'PUBLISH'],
      [4, 'RESULT'],
    ])
  })

  test('comes once, and first', async () => {
    await using hub = new TestHub({})
    const page = hub.stranger()
    await expect(page.ask('SUBSCRIBE', { channel_name: 'chat' })).rejects.toThrow('expected CONNECT first')
    await page.ask('CONNECT', { payload: { name: 'ann' } })
    await expect(page.ask('CONNECT', { payload: { name: 'eve' } })).rejects.toThrow('expected one CONNECT')
    expect((await hub.hub.application.info()).users).toEqual(['ann'])
  })

  test('that does not come in ten seconds ends the connection', async () => {
    await using hub = new TestHub({})
    const page = hub.stranger()
    await hub.clock.advance(10_000)
    expect(page.end?.code).toBe(4504)
  })
})

describe('expires_in', () => {
  test('asks connect again with the same payload when it has passed, and again as the answer says', async () => {
    await using hub = new TestHub({ connect: { name: 'ann', expires_in: 60 } })
    const page = hub.stranger('session=1')
    await page.ask('CONNECT', { payload: 'p' })
    await hub.clock.advance(120_000)
    expect(hub.asked('connect').map(({ fields }) => fields.reason)).toEqual([undefined, 'expired', 'expired'])
    expect(hub.asked('connect')[1]).toMatchObject({ fields: { payload: 'p' }, cookies: 'session=1' })
    expect(page.end).toBeUndefined()
  })

  test('a refusal closes for good, a fault is asked again, another name lets the page come back under it', async () => {
    const answers: unknown[] = [{ name: 'ann', expires_in: 60 }, new Error('down'), refuse('logged out')]
    await using hub = new TestHub({ connect: () => answers.shift() })
    const page = hub.stranger()
    await page.ask('CONNECT', {})
    await hub.clock.advance(60_000)
    expect(page.end).toBeUndefined()
    await hub.clock.advance(10_000)
    expect(page.end).toEqual({ code: 4401, reason: 'logged out' })

    answers.push({ name: 'ann', expires_in: 60 }, { name: 'bob' })
    const other = hub.stranger()
    await other.ask('CONNECT', {})
    await hub.clock.advance(60_000)
    expect(other.end?.code).toBe(4500)
  })

  test('is not asked about a line that has ended', async () => {
    await using hub = new TestHub({ connect: { name: 'ann', expires_in: 60 } })
    const page = hub.stranger()
    await page.ask('CONNECT', {})
    page.cut()
    await hub.clock.advance(600_000)
    expect(hub.asked('connect')).toHaveLength(1)
  })
})

describe('what a page sends', () => {
  test.each([
    ['no JSON', '{', 4400],
    ['JSON that is no frame', '{"a":1}', 4400],
    ['a frame without a name', '[1]', 4400],
  ])('%s ends this connection with 4400, and no other', async (_name, text, code) => {
    await using hub = new TestHub({ create_channel: { moderated: false } })
    const page = await hub.page('ann')
    const other = await hub.page('bob')
    page.connection.received(text)
    expect(page.end?.code).toBe(code)
    await expect(other.ask('SUBSCRIBE', { channel_name: 'chat' })).resolves.toBeDefined()
  })

  test.each([
    ['an unknown frame name', 'DANCE', {}, 'unknown_frame', 'unknown frame "DANCE"'],
    ['a missing field', 'PUBLISH', { channel_name: 'a' }, 'bad_request', 'payload: expected'],
    [
      'a field of the wrong type',
      'SUBSCRIBE',
      { channel_name: 3 },
      'bad_request',
      'channel_name: expected a text, got 3',
    ],
    [
      'a name of 201 bytes',
      'SUBSCRIBE',
      { channel_name: 'x'.repeat(201) },
      'bad_request',
      'channel_name: expected 1 to 200 bytes',
    ],
    [
      'a name with a control character',
      'SUBSCRIBE',
      { channel_name: 'a\u0007' },
      'bad_request',
      'channel_name: expected no control',
    ],
    [
      'a frame of 64 KiB + 1',
      'PUBLISH',
      { channel_name: 'a', payload: 'x'.repeat(65_536) },
      'too_large',
      '65536 bytes',
    ],
  ])('%s is an ERROR that says so; the connection goes on', async (_name, frame, args, code, message) => {
    await using hub = new TestHub({ create_channel: { moderated: false } })
    const page = await hub.page('ann')
    await expect(page.ask(frame, args)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
    expect((await hub.hub.application.info()).channels).toEqual([])
    await expect(page.ask('SUBSCRIBE', { channel_name: 'chat' })).resolves.toBeDefined()
  })

  test('a payload with raw line breaks that spell another frame stays a payload', async () => {
    await using hub = new TestHub({ create_channel: { moderated: false } })
    const ann = await hub.page('ann')
    const eve = await hub.page('eve')
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    const forged = '[0,"SET_COOKIE",{"cookie":"session=stolen"}]'
    eve.connection.received(`[9,"PUBLISH",{"channel_name":"chat","payload":["\\n${forged.replaceAll('"', '\\"')}"]}]`)
    await settle()
    expect(ann.all('SET_COOKIE')).toEqual([])
    expect(ann.all('PUBLISH')[0]?.payload).toEqual([`\n${forged}`])
  })

  test('beyond its rate is refused for the time being, and accepted again later', async () => {
    await using hub = new TestHub({ create_channel: { moderated: false } }, { rate: 2 })
    const page = await hub.page('ann')
    for (let i = 0; i < 9; i++) await page.ask('PUBLISH', { channel_name: 'a', payload: i })
    await expect(page.ask('PUBLISH', { channel_name: 'a', payload: 10 })).rejects.toMatchObject({
      code: 'too_many',
      temporary: true,
    })
    await hub.clock.advance(500)
    await expect(page.ask('PUBLISH', { channel_name: 'a', payload: 11 })).resolves.toBeDefined()
  })

  test('has at most 16 requests under way, the others wait their turn', async () => {
    let running = 0
    let most = 0
    const waiting: (() => void)[] = []
    await using hub = new TestHub({
      create_channel: async () => {
        most = Math.max(most, ++running)
        await new Promise<void>((resolve) => waiting.push(resolve))
        running--
        return { moderated: false }
      },
    })
    const page = await hub.page('ann')
    for (let i = 0; i < 40; i++) page.say('SUBSCRIBE', { channel_name: `c${i}` })
    while (page.all('SUBSCRIBED').length < 40) {
      await settle()
      waiting.shift()?.()
    }
    expect(most).toBe(16)
  })

  test('a bug of the hub is told as internal, without its words, and logged with its stack', async () => {
    await using hub = new TestHub({ create_channel: { moderated: false } })
    const page = await hub.page('ann')
    const bug = new Error('secret detail')
    hub.broker.log.append = () => Promise.reject(bug)
    await expect(page.ask('PUBLISH', { channel_name: 'a', payload: 1 })).rejects.toMatchObject({
      code: 'internal',
      message: 'internal error',
    })
    expect(hub.logged.find(({ level }) => level === 'error')?.fields.err).toBe(bug)
  })
})

describe('HISTORY', () => {
  test('brings kept history in pieces, to subscribers only', async () => {
    await using hub = new TestHub({ create_channel: { moderated: false, history_size: 10 } })
    const ann = await hub.page('ann')
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    for (const payload of [1, 2, 3]) await ann.ask('PUBLISH', { channel_name: 'chat', payload })
    const newest = await ann.ask('HISTORY', { channel_name: 'chat', limit: 2 })
    expect(newest.history).toMatchObject([
      ['PUBLISH', { payload: 2 }],
      ['PUBLISH', { payload: 3 }],
    ])
    const rest = await ann.ask('HISTORY', { channel_name: 'chat', cursor: newest.cursor })
    expect(rest.history).toMatchObject([
      ['SUBSCRIBE', { user: 'ann' }],
      ['PUBLISH', { payload: 1 }],
    ])
    const bob = await hub.page('bob')
    await expect(bob.ask('HISTORY', { channel_name: 'chat' })).rejects.toMatchObject({ code: 'not_subscribed' })
  })
})

describe('liveness', () => {
  test('a page is asked after a part of 25 s and then every 25 s, and one that answers stays', async () => {
    await using hub = new TestHub({})
    const page = await hub.page('ann')
    page.answersPing = false
    await hub.clock.advance(12_500)
    expect(page.all('PING')).toHaveLength(1)
    page.answersPing = true
    page.say('PONG', {})
    await hub.clock.advance(600_000)
    expect(page.end).toBeUndefined()
  })

  test('a page that does not answer within 10 s is closed with 4504', async () => {
    await using hub = new TestHub({})
    const page = await hub.page('ann')
    page.answersPing = false
    await hub.clock.advance(12_500 + 9_999)
    expect(page.end).toBeUndefined()
    await hub.clock.advance(1)
    expect(page.end?.code).toBe(4504)
  })

  test('a slow line that still moves is not a silent one', async () => {
    await using hub = new TestHub({})
    const page = await hub.page('ann')
    page.answersPing = false
    page.buffered = 1_000_000
    await hub.clock.advance(12_500)
    for (let i = 0; i < 3; i++) {
      page.buffered -= 100_000
      await hub.clock.advance(10_000)
    }
    expect(page.end).toBeUndefined()
    await hub.clock.advance(10_000)
    expect(page.end?.code).toBe(4504)
  })
})

describe('cookies that the application sets', () => {
  test('are sent from then on and handed to the page, but for those that script must not see', async () => {
    await using hub = new TestHub({ connect: { name: 'ann' } })
    const page = hub.stranger('a=1; b=2')
    await page.ask('CONNECT', {})
    page.connection.caller.setCookies(['a=3; Path=/', 'session=s; HttpOnly; Secure', 'b=; Max-Age=0'])
    await settle()
    expect(page.connection.caller.cookies).toBe('a=3; session=s')
    expect(page.all('SET_COOKIE')).toEqual([{ cookie: 'a=3; Path=/' }, { cookie: 'b=; Max-Age=0' }])
  })
})
