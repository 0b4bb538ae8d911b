import { HookboxError, type Json } from '@hookbox/protocol'
import { TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import { createMemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { type NodeVerbs, OtherNodes } from '../../src/hub/other-nodes.ts'

/** Verbs that note how they are called; those not given do nothing. */
function noting(given: Partial<NodeVerbs> = {}) {
  const asked: Json[] = []
  const nothing = async (args: Json) => {
    asked.push(args)
    return null
  }
  const names = [
    'give',
    'remove',
    'share',
    'putOutUser',
    'putOut',
    'release',
    'post',
    'read',
    'configure',
    'configuration',
  ]
  const verbs = { ...Object.fromEntries(names.map((name) => [name, nothing])), ...given } as unknown as NodeVerbs
  return { asked, verbs }
}

function twoNodes(given: Partial<NodeVerbs> = {}) {
  const here = createMemoryBroker(new TestClock())
  const there = here.join()
  const far = noting(given)
  const near = noting(given)
  const nodes = new OtherNodes(here, near.verbs)
  return { nodes, self: here.nodes.id, other: new OtherNodes(there, far.verbs).self, near, far, here, there }
}

test('each node is asked once, however many of a user’s connections are there', async () => {
  const { nodes, self, other, near, far } = twoNodes()
  await nodes.askAll([self, other, self, other, other], 'share', { user: 'ann' })
  expect(near.asked).toEqual([{ user: 'ann' }])
  expect(far.asked).toEqual([{ user: 'ann' }])
})

test('all are asked, whatever one of them says, and what went wrong is told', async () => {
  const { nodes, self, other, near, there } = twoNodes()
  const gone = other
  await there.crash()
  await expect(nodes.askAll([gone, self], 'putOutUser', { user: 'ann' })).rejects.toMatchObject({ code: 'unavailable' })
  expect(near.asked).toEqual([{ user: 'ann' }])
  await nodes.askAll([], 'share', { user: 'ann' })
})

test('what a verb gives and throws comes back', async () => {
  const { nodes, other } = twoNodes({
    release: async () => ['news'],
    give: async ({ channel }) => {
      throw new HookboxError('unknown_channel', `channel ${channel} does not exist`)
    },
  })
  expect(await nodes.ask(other, 'release', { connection: 'c' })).toEqual(['news'])
  await expect(nodes.ask(other, 'give', { channel: 'chat', user: 'ann' })).rejects.toMatchObject({
    code: 'unknown_channel',
  })
})

test.each([
  ['that it does not know', ['fly', {}]],
  ['that every object has', ['toString', {}]],
  ['that is none', { verb: 'give' }],
  ['that is nothing', null],
])('a question %s is another version’s, and unavailable for the time being', async (_what, question) => {
  const { other, here } = twoNodes()
  await expect(here.bus.ask(other, question as Json)).rejects.toMatchObject({ code: 'unavailable' })
})
