import { TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import { idleTime, nodeOfSession, Sessions } from '../../src/admin/sessions.ts'

const node = 'a'.repeat(32)

function begun() {
  const clock = new TestClock()
  return { clock, sessions: new Sessions(clock) }
}

test('a session is known by 128 random bits behind the name of its node', () => {
  const { sessions } = begun()
  const secrets = [sessions.open(node, 'pw'), sessions.open(node, 'pw')]
  for (const secret of secrets) {
    expect(secret).toMatch(/^a{32}[0-9a-f]{32}$/)
    expect(nodeOfSession(secret)).toBe(node)
    expect(sessions.goesOn(secret, 'pw', false)).toBe(true)
  }
  expect(secrets[0]).not.toBe(secrets[1])
  expect(sessions.goesOn(`${node}${'0'.repeat(32)}`, 'pw', true)).toBe(false)
})

test('it ends when nobody has done anything for half an hour; to look on is not to do something', async () => {
  const { clock, sessions } = begun()
  const secret = sessions.open(node, 'pw')
  await clock.advance(idleTime)
  expect(sessions.goesOn(secret, 'pw', true)).toBe(true)
  await clock.advance(idleTime)
  expect(sessions.goesOn(secret, 'pw', false)).toBe(true)
  await clock.advance(1)
  expect(sessions.goesOn(secret, 'pw', true)).toBe(false)
})

test('it ends with its password, and when somebody signs out', () => {
  const { sessions } = begun()
  const [one, two, three] = [1, 2, 3].map(() => sessions.open(node, 'pw')) as [string, string, string]
  expect(sessions.goesOn(one, 'another', true)).toBe(false)
  expect(sessions.goesOn(one, 'pw', true)).toBe(false)
  expect(sessions.goesOn(two, undefined, true)).toBe(false)
  sessions.end(three)
  expect(sessions.goesOn(three, 'pw', true)).toBe(false)
})

test('beyond a hundred the one that was idle longest ends', () => {
  const { sessions } = begun()
  const secrets = Array.from({ length: 100 }, () => sessions.open(node, 'pw'))
  sessions.goesOn(secrets[0] ?? '', 'pw', true)
  sessions.open(node, 'pw')
  expect(secrets.map((secret) => sessions.goesOn(secret, 'pw', false)).indexOf(false)).toBe(1)
  expect(secrets.filter((secret) => !sessions.goesOn(secret, 'pw', false))).toHaveLength(1)
})
