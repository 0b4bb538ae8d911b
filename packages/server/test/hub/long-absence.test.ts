import { expect, test } from 'vitest'
import { RunningHub } from '../kit/running-hub.ts'

test('a page that missed more than may be unread gets all of it, in messages of at most 256 KiB, and is not closed', async () => {
  await using hub = await RunningHub.start({ create_channel: [true, { moderated: false }] }, { linger: 60 })
  const stays = await hub.page('bob')
  const away = await hub.page('ann')
  const channels = ['one', 'two']
  const since = new Map<string, string>()
  for (const channel_name of channels) {
    await stays.ask('SUBSCRIBE', { channel_name })
    const { args } = await away.ask('SUBSCRIBE', { channel_name })
    since.set(channel_name, (args as { position: string }).position)
  }
  await away.drop()
  const payload = (n: number) => `${n}`.padEnd(60_000, '.')
  for (let n = 1; n <= 15; n++) {
    for (const channel_name of channels) {
      await hub.hookbox.call('publish', { channel_name, payload: payload(n) })
    }
  }

  const back = await hub.page('ann')
  back.pause()
  for (const channel_name of channels) back.send('SUBSCRIBE', { channel_name, since: since.get(channel_name) ?? '' })
  back.resume()
  for (const channel_name of channels) {
    for (let n = 1; n <= 15; n++) {
      const frame = await back.next('PUBLISH', (args) => args.channel_name === channel_name)
      expect(frame.args).toMatchObject({ offset: n, payload: payload(n) })
    }
  }
  expect(Math.max(...back.messages.map((message) => message.length))).toBeLessThanOrEqual(262_144 + 1_000)
})
