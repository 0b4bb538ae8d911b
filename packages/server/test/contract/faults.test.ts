import type { WebhookReply } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { RunningHub } from '../kit/running-hub.ts'

/** Whatever is not `[success, details]` is a fault. */
const faults: [name: string, reply: WebhookReply][] = [
  ['500', { status: 500, body: '[true, {}]' }],
  ['HTML', { headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Log in</title>' }],
  ['[true]', [true]],
  ['{"ok":1}', { body: '{"ok":1}' }],
  ['nothing', { body: '' }],
  ['a redirect', { status: 302, headers: { location: '/login' } }],
  ['a reply beyond 1 MiB', { body: `[true, {"x": "${'x'.repeat(1_048_576)}"}]` }],
  ['a connection that is closed', 'close'],
]

describe.each(faults)('an application that answers %s', (_name, reply) => {
  test('to connect lets nobody in, and lets the page come back', async () => {
    await using hub = await RunningHub.start({ connect: reply })
    const page = await hub.stranger()
    await expect(page.connect({})).rejects.toMatchObject({ code: 'webhook_failed', temporary: true })
    expect((await page.closed).code).toBe(4502)
    hub.app.reply('connect', [true, { name: 'ann' }])
    await expect((await hub.stranger()).connect({})).resolves.toMatchObject({ name: 'ann' })
  })

  test.each(['create_channel', 'subscribe', 'publish', 'unsubscribe'] as const)(
    'to %s allows nothing, and the page goes on and may try again',
    async (webhook) => {
      await using hub = await RunningHub.start()
      const page = await hub.page('ann')
      const other = await hub.page('bob')
      if (webhook === 'publish' || webhook === 'unsubscribe') await page.ask('SUBSCRIBE', { channel_name: 'chat' })
      const before = (await hub.rest('get_channel_info', { channel_name: 'chat' })).details
      hub.app.reply(webhook, reply)
      const ask = () => {
        if (webhook === 'publish') return page.ask('PUBLISH', { channel_name: 'chat', payload: 1 })
        if (webhook === 'unsubscribe') return page.ask('UNSUBSCRIBE', { channel_name: 'chat' })
        return page.ask('SUBSCRIBE', { channel_name: 'chat' })
      }
      await expect(ask()).rejects.toMatchObject({ code: 'webhook_failed', temporary: true })
      if (webhook !== 'subscribe') {
        expect((await hub.rest('get_channel_info', { channel_name: 'chat' })).details).toEqual(before)
      }
      hub.app.reply(webhook, [true, {}])
      await expect(ask()).resolves.toBeDefined()
      await expect(other.ask('SUBSCRIBE', { channel_name: 'other' })).resolves.toBeDefined()
      expect(hub.log).toContain(`"webhook":"${webhook}"`)
    },
  )
})
