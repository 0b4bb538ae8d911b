import { expect, test } from 'vitest'
import { createKnowsPassword } from '../../src/admin/password.ts'

test('the password is known, and nothing else, also when it is another one by now', async () => {
  const knows = createKnowsPassword()
  expect(await knows('open sesame', 'open sesame')).toBe(true)
  for (const wrong of ['', 'open sesam', 'open sesamee', 'Open sesame'])
    expect(await knows(wrong, 'open sesame')).toBe(false)
  expect(await knows('open sesame', 'close sesame')).toBe(false)
  expect(await knows('close sesame', 'close sesame')).toBe(true)
})

test('letters with accents are the same however a keyboard makes them', async () => {
  expect(await createKnowsPassword()('cafe\u0301', 'caf\u00e9')).toBe(true)
})

test('no more than sixteen tries wait', async () => {
  const knows = createKnowsPassword()
  const tries = await Promise.allSettled(Array.from({ length: 17 }, () => knows('a', 'b')))
  expect(tries.map(({ status }) => status).lastIndexOf('fulfilled')).toBe(15)
  expect(tries[16]).toMatchObject({ reason: { code: 'too_many' } })
})
