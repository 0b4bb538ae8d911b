import { settle, TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import type { Log } from '../../src/broker/broker.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { TestHub } from '../kit/hub.ts'

/** A memory whose answers to a publish come only when the test lets them; what is asked is done in its order all the same. */
function slowBroker(clock: TestClock) {
  const memory = createMemoryBroker(clock)
  const asked: string[] = []
  const answers: (() => void)[] = []
  const append: Log['append'] = async (channel, what, how) => {
    if (what.name === 'PUBLISH') {
      asked.push(/"payload":("\w+")/.exec(what.inside)?.[1] ?? 'nothing')
      await new Promise<void>((resolve) => answers.push(resolve))
    }
    return memory.log.append(channel, what, how)
  }
  const broker: MemoryBroker = { ...memory, log: { ...memory.log, append } }
  return { broker, asked, answers }
}

test('publishes of one page about which nobody is asked do not wait for each other, and all else waits for them', async () => {
  const clock = new TestClock()
  const { broker, asked, answers } = slowBroker(clock)
  await using hub = new TestHub({ create_channel: { moderated: false } }, {}, clock, broker)
  const page = await hub.page('ann')
  await page.ask('SUBSCRIBE', { channel_name: 'chat' })
  const ids = ['a', 'b', 'c'].map((payload) => page.say('PUBLISH', { channel_name: 'chat', payload }))
  const left = page.say('UNSUBSCRIBE', { channel_name: 'chat' })
  const late = page.say('PUBLISH', { channel_name: 'chat', payload: 'd' })
  await settle()
  expect(asked).toEqual(['"a"', '"b"', '"c"'])
  for (const answer of answers.splice(0, 2)) answer()
  await Promise.all(ids.slice(0, 2).map((id) => page.answer(id)))
  await settle()
  expect(page.frames.some(({ id }) => id === left)).toBe(false)
  for (const answer of answers.splice(0)) answer()
  await page.answer(left)
  await settle()
  expect(asked).toEqual(['"a"', '"b"', '"c"', '"d"'])
  for (const answer of answers.splice(0)) answer()
  await page.answer(late)
  expect(page.all('PUBLISH').map(({ payload }) => payload)).toEqual(['a', 'b', 'c'])
})

test('publishes of one page about which the application is asked are made one after another', async () => {
  const answers: (() => void)[] = []
  await using hub = new TestHub({
    create_channel: { moderated: true },
    subscribe: {},
    publish: () => new Promise<void>((resolve) => answers.push(resolve)),
  })
  const page = await hub.page('ann')
  await page.ask('SUBSCRIBE', { channel_name: 'chat' })
  const ids = ['a', 'b'].map((payload) => page.say('PUBLISH', { channel_name: 'chat', payload }))
  await settle()
  expect(hub.asked('publish').map(({ fields }) => fields.payload)).toEqual(['a'])
  answers.shift()?.()
  await page.answer(ids[0] as number)
  await settle()
  expect(hub.asked('publish').map(({ fields }) => fields.payload)).toEqual(['a', 'b'])
  answers.shift()?.()
  await page.answer(ids[1] as number)
  expect(page.all('PUBLISH').map(({ payload }) => payload)).toEqual(['a', 'b'])
})

test('a publish into a channel that is made for it comes before the one behind it', async () => {
  const answers: (() => void)[] = []
  await using hub = new TestHub({ create_channel: () => new Promise<void>((resolve) => answers.push(resolve)) })
  const page = await hub.page('ann')
  const ids = ['a', 'b'].map((payload) => page.say('PUBLISH', { channel_name: 'chat', payload }))
  await settle()
  answers.shift()?.()
  const positions = []
  for (const id of ids) positions.push((await page.answer(id)).position)
  expect(positions.map((position) => String(position).split(':')[1])).toEqual(['1', '2'])
})

test('where nothing has to be waited for, a publish is answered at once', async () => {
  await using hub = new TestHub({ create_channel: { moderated: false } })
  const page = await hub.page('ann')
  await page.ask('SUBSCRIBE', { channel_name: 'chat' })
  const id = page.say('PUBLISH', { channel_name: 'chat', payload: 'a', message_id: 'once' })
  expect(page.frames.at(-1)).toMatchObject({ id, name: 'RESULT' })
  const again = page.say('PUBLISH', { channel_name: 'chat', payload: 'a', message_id: 'once' })
  expect(page.frames.at(-1)).toMatchObject({ id: again, name: 'RESULT', args: { duplicate: true } })
  const tooLarge = page.say('PUBLISH', { channel_name: 'chat', payload: 'x'.repeat(65_480) })
  expect(page.frames.at(-1)).toMatchObject({ id: tooLarge, name: 'ERROR', args: { code: 'too_large' } })
})
