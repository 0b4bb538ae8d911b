import { HookboxError } from '@hookbox/protocol'
import { expect, onTestFinished, test, vi } from 'vitest'
import { TestHub } from '../kit/hub.ts'

const chat = { channel_name: 'chat' }

async function annAndBob(): Promise<{ hub: TestHub; ann: Awaited<ReturnType<TestHub['page']>>; bob: typeof ann }> {
  const hub = new TestHub({ create_channel: { presenceful: true } })
  onTestFinished(() => hub[Symbol.asyncDispose]())
  const [ann, bob] = [await hub.page('ann'), await hub.page('bob')]
  for (const page of [ann, bob]) await page.ask('SUBSCRIBE', chat)
  return { hub, ann, bob }
}

function away(): HookboxError {
  return new HookboxError('unavailable', 'the broker is away')
}

test.each([1, 3])('who has left is seen to leave once the broker is back, after %i attempts', async (attempts) => {
  const { hub, ann, bob } = await annAndBob()
  const leaving = vi.spyOn(hub.broker.presence, 'leave')
  for (let n = 0; n < attempts; n++) leaving.mockRejectedValueOnce(away())
  await bob.ask('UNSUBSCRIBE', chat)
  await hub.clock.advance(attempts * 1_000)
  expect(ann.all('UNSUBSCRIBE')).toMatchObject([{ user: 'bob' }])
})

test('who leaves while the broker is away, and comes again, stays', async () => {
  const { hub, ann, bob } = await annAndBob()
  vi.spyOn(hub.broker.presence, 'leave').mockRejectedValueOnce(away())
  await bob.ask('UNSUBSCRIBE', chat)
  const again = bob.ask('SUBSCRIBE', chat)
  await hub.clock.advance(5_000)
  expect(await again).toMatchObject({ presence: ['ann', 'bob'] })
  expect(ann.all('UNSUBSCRIBE').length).toBe(ann.all('SUBSCRIBE').length - 1)
})

test.each(['update', 'leave'] as const)(
  'who is gone is gone for all, although the broker was away at the first %s',
  async (step) => {
    const { hub, ann, bob } = await annAndBob()
    vi.spyOn(hub.broker.users, step).mockRejectedValueOnce(away())
    bob.cut()
    await hub.clock.advance(5_000)
    expect(ann.all('UNSUBSCRIBE')).toMatchObject([{ user: 'bob' }])
    expect([...(await hub.broker.users.all()).keys()]).toEqual(['ann'])
    expect(hub.asked('disconnect')).toHaveLength(1)
  },
)

test('whoever inherits learns of what could not be noted at first', async () => {
  const { hub, bob } = await annAndBob()
  vi.spyOn(hub.broker.users, 'update').mockRejectedValueOnce(away())
  await bob.ask('UNSUBSCRIBE', chat)
  await hub.clock.advance(5_000)
  const [connection] = (await hub.broker.users.find('bob'))?.connections ?? []
  expect([...(connection?.channels.keys() ?? [])]).toEqual([])
})

test('whoever enters is noted before, or does not enter', async () => {
  const { hub, ann } = await annAndBob()
  const cid = await hub.page('cid')
  vi.spyOn(hub.broker.users, 'update').mockRejectedValueOnce(away())
  await expect(cid.ask('SUBSCRIBE', chat)).rejects.toMatchObject({ code: 'unavailable', temporary: true })
  expect(await cid.ask('SUBSCRIBE', chat)).toMatchObject({ presence: ['ann', 'bob', 'cid'] })
  expect(ann.all('SUBSCRIBE').map(({ user }) => user)).toEqual(['bob', 'cid'])
})

test('where the broker forgot that the application is asked about a channel, whoever comes need not wait for its answer', async () => {
  const hub = new TestHub({ create_channel: { presenceful: true }, destroy_channel: new Error('down') })
  onTestFinished(() => hub[Symbol.asyncDispose]())
  const taking = vi.spyOn(hub.broker.leases, 'take')
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', chat)
  await ann.ask('UNSUBSCRIBE', chat)
  await hub.clock.settle()
  expect(hub.asked('destroy_channel')).toHaveLength(1)
  // From here on nobody who waits could be told to it.
  vi.spyOn(hub.broker.leases, 'freed').mockResolvedValue()
  const [[, holding]] = taking.mock.calls.filter(([key]) => key.of === 'destroy') as [Parameters<typeof taking>]
  holding?.lost?.()
  expect(await ann.ask('SUBSCRIBE', chat)).toMatchObject({ presence: ['ann'] })
})

test('a page whose connection the broker has lost is told to try again, and is noted again meanwhile', async () => {
  const { hub, bob } = await annAndBob()
  const { users } = hub.broker
  vi.spyOn(users, 'update').mockResolvedValueOnce(false)
  vi.spyOn(users, 'find').mockResolvedValueOnce(undefined)
  await expect(bob.ask('SUBSCRIBE', { channel_name: 'den' })).rejects.toMatchObject({ code: 'unavailable' })
  await hub.clock.settle()
  expect(await bob.ask('SUBSCRIBE', { channel_name: 'den' })).toMatchObject({ presence: ['bob'] })
  const [connection] = (await users.find('bob'))?.connections ?? []
  expect([...(connection?.channels.keys() ?? [])].sort()).toEqual(['chat', 'den'])
})
