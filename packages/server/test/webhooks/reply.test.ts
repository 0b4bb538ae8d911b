import { expect, test } from 'vitest'
import { readReply } from '../../src/webhooks/reply.ts'

function reply(body: string, more: { status?: number; location?: string; encoding?: string } = {}) {
  return readReply({ status: 200, location: undefined, encoding: undefined, setCookies: ['a=1'], ...more, body })
}

test.each([
  { name: 'a yes', body: '[true, {"name": "ann"}]', success: true, details: { name: 'ann' } },
  { name: 'a no', body: '[false, {"error": "why"}]', success: false, details: { error: 'why' } },
  { name: "PHP's empty array", body: '[true, []]', success: true, details: {} },
  { name: 'white space around', body: '\n [ true , {} ]\n', success: true, details: {} },
])('$name is an answer', ({ body, success, details }) => {
  expect(reply(body)).toEqual({ kind: 'answer', success, details, setCookies: ['a=1'] })
})

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

test.each([
  { name: 'HTML', body: '<html>oops', fault: 'expected [true, {…}], got HTML (status 200): <html>oops' },
  { name: 'text', body: 'OK', fault: 'expected [true, {…}], got text that is no JSON (status 200): OK' },
  { name: 'nothing', body: '', fault: 'expected [true, {…}], got nothing (status 200)' },
  { name: '[true]', body: '[true]', fault: 'expected [true, {…}], got [true] (status 200): [true]' },
  { name: '[]', body: '[]', fault: 'expected [true, {…}], got [] (status 200): []' },
  {
    name: 'three elements',
    body: '[true,{},1]',
    fault: 'expected [true, {…}], got [true,{},1] (status 200): [true,{},1]',
  },
  { name: '1 for true', body: '[1,{}]', fault: 'expected [true, {…}], got [1,{}] (status 200): [1,{}]' },
  {
    name: 'null for details',
    body: '[true,null]',
    fault: 'expected [true, {…}], got [true,null] (status 200): [true,null]',
  },
  {
    name: 'a list for details',
    body: '[true,[1]]',
    fault: 'expected [true, {…}], got [true,[1]] (status 200): [true,[1]]',
  },
  { name: 'an object', body: '{"ok":1}', fault: 'expected [true, {…}], got {"ok":1} (status 200): {"ok":1}' },
])('$name is a fault that says so', ({ body, fault }) => {
  expect(reply(body)).toEqual({ kind: 'fault', why: 'form', fault })
})

test.each([
  { status: 500, location: undefined, fault: 'expected status 200, got 500 (status 500): [true,{}]' },
  { status: 204, location: undefined, fault: 'expected status 200, got 204 (status 204): [true,{}]' },
  {
    status: 302,
    location: '/login?token=1',
    fault: 'redirect to /login (302) is not followed (status 302): [true,{}]',
  },
  { status: 304, location: undefined, fault: 'expected status 200, got 304 (status 304): [true,{}]' },
])('status $status is a fault whatever the body says', ({ status, location, fault }) => {
  expect(reply('[true,{}]', { status, ...(location ? { location } : {}) })).toEqual({
    kind: 'fault',
    why: 'status',
    fault,
  })
})

test('a body that is still compressed is named', () => {
  const got = reply('\x1f\x8b', { encoding: 'gzip' })
  expect(got).toMatchObject({ fault: expect.stringContaining('got a body encoded with gzip') })
})

test('the fault shows the first 200 characters of the body on one line', () => {
  const got = reply(`<p>\n\x1b[31m${'x'.repeat(1_000)}`)
  expect(got).toEqual({
    kind: 'fault',
    why: 'form',
    fault: `expected [true, {…}], got HTML (status 200): <p> [31m${'x'.repeat(191)}`,
  })
})

test('details may be nested 32 deep', () => {
  expect(reply(`[true, {"payload": ${deep(32)}}]`).kind).toBe('answer')
  expect(reply(`[true, {"payload": ${deep(33)}}]`).kind).toBe('fault')
})

test('a body nested without end is a fault and no overflow', () => {
  for (const body of [`[true, {"a": ${deep(400_000)}}]`, deep(400_000)]) {
    expect(reply(body)).toMatchObject({
      kind: 'fault',
      why: 'form',
      fault: expect.stringContaining('got something nested very deep'),
    })
  }
})

test('a detail called __proto__ is a detail like any other', () => {
  const got = reply('[true, {"__proto__": {"name": "ann"}}]')
  expect(got.kind === 'answer' && got.details.name).toBe(undefined)
})
