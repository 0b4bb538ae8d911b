import { HookboxError, type JsonText, jsonNull } from '@hookbox/protocol'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  channelName,
  channelNames,
  type FieldCheck,
  flag,
  type Given,
  json,
  messageId,
  method,
  number,
  optional,
  or,
  payload,
  rest,
  text,
  userName,
} from '../../src/rest/fields.ts'

const form = (given: string): Given => ({ text: given })
const value = (given: unknown): Given => ({ value: given })

function mistake(message: string): HookboxError {
  return new HookboxError('bad_request', message)
}

describe('what fits is read', () => {
  test.each<{ name: string; check: FieldCheck<unknown>; given: Given | undefined; read: unknown }>([
    { name: 'text', check: text, given: form(''), read: '' },
    { name: 'text in JSON', check: text, given: value('a'), read: 'a' },
    { name: 'channel name', check: channelName, given: form('chat'), read: 'chat' },
    { name: 'user name', check: userName, given: value('ann'), read: 'ann' },
    { name: 'message id', check: messageId, given: form('m1'), read: 'm1' },
    { name: 'JSON', check: json, given: form(' {"a": 1}'), read: ' {"a": 1}' },
    { name: 'JSON with line breaks, which could forge a frame', check: json, given: form('[1,\n2]'), read: '[1, 2]' },
    { name: 'JSON value', check: json, given: value({ a: 'x\n' }), read: '{"a":"x\\n"}' },
    { name: 'JSON text as a value is a text', check: json, given: value('{"a":1}'), read: '"{\\"a\\":1}"' },
    { name: 'JSON null', check: json, given: value(null), read: 'null' },
    { name: 'the largest payload', check: payload, given: value('x'.repeat(65_534)), read: `"${'x'.repeat(65_534)}"` },
    { name: 'flag 1', check: flag, given: form('1'), read: true },
    { name: 'flag true', check: flag, given: form('true'), read: true },
    { name: 'flag 0', check: flag, given: form('0'), read: false },
    { name: 'flag false', check: flag, given: form('false'), read: false },
    { name: 'flag true in JSON', check: flag, given: value(true), read: true },
    { name: 'flag 0 in JSON', check: flag, given: value(0), read: false },
    { name: 'number', check: number, given: form('-1.5'), read: -1.5 },
    { name: 'number in JSON', check: number, given: value(3), read: 3 },
    { name: 'comma list', check: channelNames, given: form('a, b,,a'), read: ['a', 'b'] },
    { name: 'empty list', check: channelNames, given: form(''), read: [] },
    { name: 'JSON list in a form', check: channelNames, given: form('["a,b","c"]'), read: ['a,b', 'c'] },
    { name: 'JSON list', check: channelNames, given: value(['a']), read: ['a'] },
    { name: 'comma list in JSON', check: channelNames, given: value('a,b'), read: ['a', 'b'] },
    { name: 'optional', check: optional(text), given: form('a'), read: 'a' },
    { name: 'optional, nothing', check: optional(text), given: undefined, read: undefined },
    { name: 'optional, null', check: optional(text), given: value(null), read: undefined },
    { name: 'optional, fallback', check: optional(json, jsonNull), given: undefined, read: 'null' },
  ])('$name', ({ check, given, read }) => {
    expect(check.read(given, 'f')).toEqual(read)
  })
})

describe('a mistake names the field and what was expected', () => {
  const deep = `${'['.repeat(33)}${']'.repeat(33)}`
  test.each<{ check: FieldCheck<unknown>; given: Given | undefined; error: string }>([
    { check: text, given: undefined, error: 'channel_name: expected a text, got nothing' },
    { check: text, given: value(1), error: 'channel_name: expected a text, got 1' },
    { check: channelName, given: undefined, error: 'channel_name: expected a text, got nothing' },
    { check: channelName, given: form(''), error: 'channel_name: expected 1 to 200 bytes, got ""' },
    { check: userName, given: value(42), error: 'channel_name: expected a text, got 42' },
    { check: json, given: undefined, error: 'channel_name: expected JSON, got nothing' },
    { check: json, given: form('{a}'), error: 'channel_name: expected JSON, got "{a}"' },
    { check: json, given: form(deep), error: 'channel_name: expected JSON nested at most 32 deep' },
    { check: flag, given: form('yes'), error: 'channel_name: expected 1, 0, true or false, got "yes"' },
    { check: flag, given: value('1'), error: 'channel_name: expected 1, 0, true or false, got "1"' },
    { check: number, given: form('1e3'), error: 'channel_name: expected a number, got "1e3"' },
    { check: number, given: form(''), error: 'channel_name: expected a number, got ""' },
    { check: number, given: value('1'), error: 'channel_name: expected a number, got "1"' },
    { check: channelNames, given: undefined, error: 'channel_name: expected a list of channel names, got nothing' },
    { check: channelNames, given: value({}), error: 'channel_name: expected a list of channel names, got {}' },
    { check: channelNames, given: form('[1]'), error: 'channel_name: expected a text, got 1' },
    { check: channelNames, given: form('[a'), error: 'channel_name: expected JSON, got "[a"' },
    { check: optional(flag), given: form(''), error: 'channel_name: expected 1, 0, true or false, got ""' },
  ])('$error', ({ check, given, error }) => {
    expect(() => check.read(given, 'channel_name')).toThrow(mistake(error))
  })

  test('a payload beyond 64 KiB is too large', () => {
    expect(() => payload.read(value('x'.repeat(65_535)), 'payload')).toThrow(
      new HookboxError('too_large', 'payload: expected at most 65536 bytes'),
    )
  })
})

test('a method gets its fields, with types that follow from the checks, and no others', async () => {
  let got: unknown
  const publish = method(
    {
      channel_name: channelName,
      payload: optional(json, jsonNull),
      originator: optional(userName),
      hook: optional(flag, false),
    },
    async (fields) => {
      expectTypeOf(fields).toEqualTypeOf<{
        readonly channel_name: string
        readonly payload: JsonText
        readonly originator: string | undefined
        readonly hook: boolean
      }>()
      got = fields
      return { done: true }
    },
  )
  const given = new Map([
    ['channel_name', form('chat')],
    ['payload', form('1')],
    ['unknown', form('x')],
  ])
  expect(await publish.run(given)).toEqual({ done: true })
  expect(got).toEqual({ channel_name: 'chat', payload: '1', originator: undefined, hook: false })
})

test('a field may come under another name, and its own goes before', async () => {
  const echo = method({ name: or(userName, 'user') }, (fields) => fields)
  expect(await echo.run(new Map([['user', form('ann')]]))).toEqual({ name: 'ann' })
  const both = new Map([
    ['user', form('ann')],
    ['name', form('bob')],
  ])
  expect(await echo.run(both)).toEqual({ name: 'bob' })
  await expect(echo.run(new Map([['user', form('')]]))).rejects.toThrow(
    mistake('user: expected 1 to 128 bytes, got ""'),
  )
  await expect(echo.run(new Map())).rejects.toThrow(mistake('name: expected a text, got nothing'))
})

test('the rest are all fields that are not named', async () => {
  const create = method(
    { options: rest({ presenceful: flag }), channel_name: or(channelName, 'channel'), hook: optional(flag) },
    (fields) => fields,
  )
  const given = new Map<string, Given>([
    ['channel_name', form('chat')],
    ['channel', form('other')],
    ['hook', form('1')],
    ['presenceful', form('1')],
    ['history_size', form('20')],
    ['state', form('{"a": [1]}')],
    ['mode', form('simple')],
    ['polling', value({ mode: 'off' })],
    ['__proto__', form('{"x": 1}')],
  ])
  const { options } = (await create.run(given)) as { options: object }
  expect(Object.entries(options)).toEqual([
    ['presenceful', true],
    ['history_size', 20],
    ['state', { a: [1] }],
    ['mode', 'simple'],
    ['polling', { mode: 'off' }],
    ['__proto__', { x: 1 }],
  ])
  expect(Object.getPrototypeOf(options)).toBe(Object.prototype)
})
