import { describe, expect, test } from 'vitest'
import { createChecker, type Kind, kindNames, type Report } from '../src/checker.ts'
import type { Fact } from '../src/facts.ts'

const at = (offset: number, epoch = 'a') => ({ epoch, offset })
const publish = (id: string, more: Partial<Extract<Fact, { fact: 'publish' }>> = {}): Fact => ({
  fact: 'publish',
  id,
  publisher: id.split('/')[0] ?? '',
  channel: 'chat',
  page: id.split('/')[0],
  ...more,
})
const stored = (id: string, offset: number, epoch?: string): Fact => ({
  fact: 'settle',
  id,
  outcome: at(offset, epoch),
})
const hold = (subscription: string, channel = 'chat'): Fact => ({
  fact: 'hold',
  subscription,
  page: subscription.split('#')[0] ?? '',
  channel,
})
const subscribed = (subscription: string, offset: number, more: object = {}): Fact => ({
  fact: 'subscribed',
  subscription,
  position: at(offset),
  recovered: false,
  reflective: true,
  ...more,
})
const deliver = (subscription: string, id: string, offset: number, epoch?: string): Fact => ({
  fact: 'deliver',
  subscription,
  id,
  offset,
  position: at(offset, epoch),
})
const interrupted = (subscription: string): Fact => ({ fact: 'interrupted', subscription })
const gap = (subscription: string, last: number, now: [number, string]): Fact => ({
  fact: 'gap',
  subscription,
  last: at(last),
  now: at(...now),
})
const view = (subscription: string, offset: number, content = ''): Fact => ({
  fact: 'view',
  subscription,
  view: { position: at(offset), content },
})

function check(facts: readonly Fact[], rules = { gaps: false }): Report {
  const checker = createChecker(rules)
  for (const fact of facts) checker.take(fact)
  return checker.end()
}

function findings({ counts }: Report): Partial<Record<Kind, number>> {
  return Object.fromEntries(kindNames.flatMap((kind) => (counts[kind] > 0 ? [[kind, counts[kind]]] : [])))
}

/** Two who hold the channel from its start. */
const ann = [hold('ann#1'), subscribed('ann#1', 0)]
const both = [...ann, hold('bob#1'), subscribed('bob#1', 0)]
/** Two publishes of Ann's, acknowledged. */
const two = [publish('ann/1'), publish('ann/2'), stored('ann/1', 1), stored('ann/2', 2)]

describe('nothing is found', () => {
  test.each<{ name: string; facts: Fact[]; gaps?: boolean }>([
    { name: 'in nothing', facts: [] },
    { name: 'where everybody gets everything', facts: [...both, ...two, ...toAll(1, 2)] },
    {
      name: 'where a publish is given before it is acknowledged',
      facts: [...ann, publish('ann/1'), deliver('ann#1', 'ann/1', 1), stored('ann/1', 1)],
    },
    {
      name: 'where numbers are left out that are no publishes',
      facts: [...ann, publish('ann/1'), deliver('ann#1', 'ann/1', 5), stored('ann/1', 5)],
    },
    {
      name: 'where somebody came later',
      facts: [
        ...ann,
        ...two,
        deliver('ann#1', 'ann/1', 1),
        deliver('ann#1', 'ann/2', 2),
        hold('bob#1'),
        subscribed('bob#1', 2),
      ],
    },
    {
      name: 'where somebody has left',
      facts: [
        ...both,
        { fact: 'cancel', subscription: 'bob#1' },
        ...two,
        deliver('ann#1', 'ann/1', 1),
        deliver('ann#1', 'ann/2', 2),
      ],
    },
    {
      name: 'where what was missed is recovered',
      facts: [
        ...ann,
        ...two,
        deliver('ann#1', 'ann/1', 1),
        interrupted('ann#1'),
        subscribed('ann#1', 1, { recovered: true }),
        deliver('ann#1', 'ann/2', 2),
      ],
    },
    {
      name: 'where what was lost is told',
      facts: [...ann, ...two, gap('ann#1', 0, [2, 'a']), subscribed('ann#1', 2)],
      gaps: true,
    },
    {
      name: "where a publisher's own page is not to see it",
      facts: [hold('ann#1'), subscribed('ann#1', 0, { reflective: false }), ...two, view('ann#1', 2)],
    },
    {
      name: 'where nobody can know whether it was stored, and it was not',
      facts: [...ann, publish('ann/1'), { fact: 'settle', id: 'ann/1', outcome: 'unknown' }],
    },
    {
      name: 'where a hub that forgot stores again what it had, after a gap',
      facts: [
        ...ann,
        publish('ann/1'),
        deliver('ann#1', 'ann/1', 1),
        { fact: 'memory lost' },
        gap('ann#1', 1, [0, 'b']),
        deliver('ann#1', 'ann/1', 1, 'b'),
        stored('ann/1', 1, 'b'),
      ],
      gaps: true,
    },
  ])('$name', ({ facts, gaps = false }) => {
    expect(findings(check(facts, { gaps }))).toEqual({})
  })
})

describe('what is wrong has a name', () => {
  test.each<{ name: string; facts: Fact[]; found: Partial<Record<Kind, number>>; gaps?: boolean }>([
    {
      name: 'passed over',
      facts: [
        ...both,
        ...two,
        ...toAll(1),
        deliver('ann#1', 'ann/2', 2),
        publish('ann/3'),
        stored('ann/3', 3),
        ...toAll(3),
      ],
      found: { lost: 1 },
    },
    { name: 'never reached', facts: [...both, ...two, ...toAll(1), deliver('ann#1', 'ann/2', 2)], found: { lost: 1 } },
    {
      name: 'lost before it was acknowledged',
      facts: [
        ...both,
        publish('ann/1'),
        publish('ann/2'),
        ...['ann/1', 'ann/2'].map((id, index) => deliver('ann#1', id, index + 1)),
        deliver('bob#1', 'ann/2', 2),
        stored('ann/2', 2),
        stored('ann/1', 1),
      ],
      found: { lost: 1 },
    },
    {
      name: 'lost before a gap was told',
      facts: [
        ...both,
        ...two,
        ...toAll(1),
        publish('ann/3'),
        stored('ann/3', 3),
        deliver('ann#1', 'ann/2', 2),
        deliver('ann#1', 'ann/3', 3),
        deliver('bob#1', 'ann/3', 3),
        gap('bob#1', 3, [9, 'a']),
        subscribed('bob#1', 9),
      ],
      found: { lost: 1 },
      gaps: true,
    },
    {
      name: 'given twice',
      facts: [...ann, ...two, deliver('ann#1', 'ann/1', 1), deliver('ann#1', 'ann/2', 2), deliver('ann#1', 'ann/2', 2)],
      found: { doubled: 1 },
    },
    {
      name: 'given late',
      facts: [...ann, ...two, deliver('ann#1', 'ann/2', 2), deliver('ann#1', 'ann/1', 1)],
      found: { reordered: 1 },
    },
    {
      name: 'stored in another order than published',
      facts: [
        ...ann,
        publish('ann/1'),
        publish('ann/2'),
        stored('ann/2', 1),
        stored('ann/1', 2),
        deliver('ann#1', 'ann/2', 1),
        deliver('ann#1', 'ann/1', 2),
      ],
      found: { 'out of turn': 1 },
    },
    { name: 'never published', facts: [...ann, deliver('ann#1', 'bob/1', 1)], found: { phantom: 1 } },
    {
      name: 'given to whom has left',
      facts: [
        ...ann,
        { fact: 'cancel', subscription: 'ann#1' },
        publish('bob/1'),
        deliver('ann#1', 'bob/1', 1),
        stored('bob/1', 1),
      ],
      found: { phantom: 1 },
    },
    {
      name: 'given before the hub agreed',
      facts: [hold('ann#1'), publish('bob/1'), deliver('ann#1', 'bob/1', 1), stored('bob/1', 1)],
      found: { phantom: 1 },
    },
    {
      name: 'published elsewhere',
      facts: [...ann, publish('bob/1', { channel: 'news' }), deliver('ann#1', 'bob/1', 1), stored('bob/1', 1)],
      found: { phantom: 1 },
    },
    {
      name: "a page's own, where it is not to see it",
      facts: [
        hold('ann#1'),
        subscribed('ann#1', 0, { reflective: false }),
        publish('ann/1'),
        deliver('ann#1', 'ann/1', 1),
        stored('ann/1', 1),
      ],
      found: { phantom: 1 },
    },
    {
      name: 'refused, and given all the same',
      facts: [
        ...ann,
        publish('ann/1'),
        { fact: 'settle', id: 'ann/1', outcome: 'not stored' },
        deliver('ann#1', 'ann/1', 1),
      ],
      found: { phantom: 1 },
    },
    {
      name: 'refused after it was given',
      facts: [
        ...ann,
        publish('ann/1'),
        deliver('ann#1', 'ann/1', 1),
        { fact: 'settle', id: 'ann/1', outcome: 'not stored' },
      ],
      found: { phantom: 1 },
    },
    {
      name: 'another log, and nobody told',
      facts: [...ann, publish('ann/1'), deliver('ann#1', 'ann/1', 1, 'b'), stored('ann/1', 1, 'b')],
      found: { 'silent gap': 1 },
      gaps: true,
    },
    {
      name: 'begun anew, and nobody told',
      facts: [...ann, interrupted('ann#1'), subscribed('ann#1', 7)],
      found: { 'silent gap': 1 },
      gaps: true,
    },
    {
      name: 'recovered from another log',
      facts: [...ann, interrupted('ann#1'), subscribed('ann#1', 0, { recovered: true, position: at(3, 'b') })],
      found: { 'silent gap': 1 },
      gaps: true,
    },
    {
      name: 'a gap where the hub cannot have forgotten',
      facts: [...ann, gap('ann#1', 0, [4, 'a']), subscribed('ann#1', 4)],
      found: { 'needless gap': 1 },
    },
    {
      name: 'asked again on an unbroken line',
      facts: [...ann, subscribed('ann#1', 0, { recovered: true })],
      found: { 'left out': 1 },
    },
    {
      name: "another position than the publish's own",
      facts: [
        ...ann,
        publish('ann/1'),
        { fact: 'deliver', subscription: 'ann#1', id: 'ann/1', offset: 1, position: at(0) },
        stored('ann/1', 1),
      ],
      found: { misplaced: 1 },
    },
    {
      name: 'a gap that counts wrongly',
      facts: [...ann, { fact: 'gap', subscription: 'ann#1', last: at(0), now: at(4), lost: 3 }, subscribed('ann#1', 4)],
      found: { misplaced: 1 },
      gaps: true,
    },
    { name: 'never answered', facts: [publish('ann/1')], found: { unsettled: 1 } },
    { name: 'answered twice', facts: [...two, stored('ann/1', 1)], found: { unsettled: 1 } },
    {
      name: 'acknowledged, and given to nobody',
      facts: [...ann, publish('bob/1'), stored('bob/1', 1)],
      found: { unstored: 1 },
    },
    {
      name: 'stored twice',
      facts: [...ann, publish('bob/1'), stored('bob/1', 2), deliver('ann#1', 'bob/1', 1), deliver('ann#1', 'bob/1', 2)],
      // the second comes out of turn as well, as it is no later than itself
      found: { 'stored twice': 2, 'out of turn': 1 },
    },
    {
      name: 'stored in two logs although no hub forgot',
      facts: [
        ...ann,
        publish('ann/1'),
        deliver('ann#1', 'ann/1', 1),
        gap('ann#1', 1, [0, 'b']),
        deliver('ann#1', 'ann/1', 1, 'b'),
        stored('ann/1', 1, 'b'),
      ],
      found: { 'stored twice': 1 },
      gaps: true,
    },
    {
      name: 'two publishes at one position',
      facts: [...both, publish('ann/1'), publish('ann/2'), stored('ann/1', 1), stored('ann/2', 1), ...toAll(1)],
      found: { diverged: 1 },
    },
    {
      name: 'two who stand at different positions',
      facts: [...both, view('ann#1', 3), view('bob#1', 4)],
      found: { diverged: 1 },
    },
    {
      name: 'two who show different things',
      facts: [...both, view('ann#1', 3, '["ann","bob"]'), view('bob#1', 3, '["bob"]')],
      found: { diverged: 1 },
    },
  ])('$name', ({ facts, found, gaps = false }) => {
    expect(findings(check(facts, { gaps }))).toEqual(found)
  })
})

test('what is found is told with names and positions, at most twenty times', () => {
  const many = Array.from({ length: 30 }, () => deliver('ann#1', 'bob/1', 1))
  const { counts, examples } = check([...ann, ...many])
  expect(counts.phantom).toBe(30)
  expect(examples).toHaveLength(20)
  expect(examples[0]).toBe('phantom: bob/1 to ann#1 in chat at a:1')
})

describe('over a long run', () => {
  const long = 20_000
  function* facts(): Generator<Fact> {
    yield* both
    for (let n = 1; n <= long; n++) {
      yield publish(`ann/${n}`)
      yield stored(`ann/${n}`, n)
      yield deliver('ann#1', `ann/${n}`, n)
      // one is lost in the middle, which is found long before the end
      if (n !== 1_000) yield deliver('bob#1', `ann/${n}`, n)
    }
  }

  test('what is lost is found on the way', () => {
    const checker = createChecker({ gaps: false })
    let taken = 0
    for (const fact of facts()) {
      checker.take(fact)
      if (++taken === 8_000) expect(findings(checker.report)).toEqual({ lost: 1 })
    }
    expect(findings(checker.end())).toEqual({ lost: 1 })
  })

  test('a publish that a hub forgot and stored again is waited for where it stands now', () => {
    const checker = createChecker({ gaps: true })
    const again: Fact[] = [
      ...both,
      publish('ann/1'),
      ...toAll(1),
      { fact: 'memory lost' },
      gap('ann#1', 1, [0, 'b']),
      gap('bob#1', 1, [0, 'b']),
      stored('ann/1', 1, 'b'),
      deliver('ann#1', 'ann/1', 1, 'b'),
      // long enough for a round of forgetting
      ...Array.from({ length: 20_000 }, () => interrupted('bob#1')),
      deliver('bob#1', 'ann/1', 1, 'b'),
    ]
    for (const fact of again) checker.take(fact)
    expect(findings(checker.end())).toEqual({})
  })

  test('a publish is not forgotten while a subscription may still come to it in a new life', () => {
    const checker = createChecker({ gaps: true })
    const late: Fact[] = [
      ...both,
      { fact: 'memory lost' },
      gap('ann#1', 0, [0, 'b']),
      publish('ann/1'),
      stored('ann/1', 1, 'b'),
      deliver('ann#1', 'ann/1', 1, 'b'),
      ...Array.from({ length: 20_000 }, () => interrupted('bob#1')),
      gap('bob#1', 0, [0, 'b']),
      deliver('bob#1', 'ann/1', 1, 'b'),
    ]
    for (const fact of late) checker.take(fact)
    expect(findings(checker.end())).toEqual({})
  })

  test('a publish that was forgotten and comes again was stored twice', () => {
    const checker = createChecker({ gaps: false })
    for (const fact of facts()) checker.take(fact)
    checker.take(deliver('ann#1', 'ann/5000', long + 1))
    checker.take(deliver('ann#1', `ann/${long}`, long + 2))
    expect(findings(checker.report)).toEqual({ lost: 1, 'stored twice': 2, 'out of turn': 1 })
  })
})

describe('who is there, and what may not take long', () => {
  const shown = (subscription: string, ...present: string[]): Fact => ({
    fact: 'view',
    subscription,
    view: { position: at(0), content: '', present },
  })

  test.each([
    { name: 'right', present: ['bob', 'ann'], found: {} },
    { name: 'too many', present: ['ann', 'bob', 'cid'], found: { ghost: 1 } },
    { name: 'too few', present: ['ann'], found: { ghost: 1 } },
  ])('presence that is $name', ({ present, found }) => {
    expect(findings(check([...both, shown('ann#1', ...present)]))).toEqual(found)
  })

  test('who gave the channel back is there no more', () => {
    const facts: Fact[] = [...both, { fact: 'cancel', subscription: 'bob#1' }, shown('ann#1', 'ann', 'bob')]
    expect(findings(check(facts))).toEqual({ ghost: 1 })
  })

  test('what the hub ends by itself is found', () => {
    expect(findings(check([...both, { fact: 'put out', subscription: 'bob#1' }]))).toEqual({ 'put out': 1 })
  })

  test('what takes longer than its bound is late', () => {
    const took = (much: number): Fact => ({ fact: 'took', what: 'it', much, bound: 10 })
    expect(findings(check([took(10), took(11)]))).toEqual({ late: 1 })
  })
})

/** Ann's publishes, each given to both at its number. */
function toAll(...numbers: number[]): Fact[] {
  return numbers.flatMap((n) => ['ann#1', 'bob#1'].map((name) => deliver(name, `ann/${n}`, n)))
}
