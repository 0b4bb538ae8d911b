import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HookboxError, isObject, type Json, jsonNull, jsonText, maxJsonDepth, quote, toJsonText } from '../src/index.ts'
import { build, read, type Text } from './vectors.ts'

interface Row {
  readonly name: string
  readonly text: Text
  readonly becomes?: Text
  readonly error?: string
}

/** Brackets only, so that it costs no time however deep. */
function nested(depth: number): Json {
  return JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as Json
}

function thrown(run: () => unknown): HookboxError {
  try {
    run()
  } catch (error) {
    if (error instanceof HookboxError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('payload text from outside', () => {
  test.each(read<Row>('payload-text'))('$name', ({ text, becomes, error }) => {
    if (becomes === undefined) expect(thrown(() => jsonText(build(text), 'payload')).code).toBe(error)
    else expect(jsonText(build(text), 'payload')).toBe(build(becomes))
  })

  test('whatever line breaks stand between its tokens, it becomes one line of the same value', () => {
    const space = fc.stringMatching(/^[ \t\r\n]{1,3}$/)
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.infiniteStream(space), (value, spaces) => {
        // Indented by a placeholder that no string can hold raw, so every gap between tokens can be filled.
        const text = JSON.stringify(value, null, '\t').replace(/\n\t*/g, () => spaces.next().value ?? '')
        const line = jsonText(text, 'payload')
        expect(line).not.toMatch(/[\r\n]/)
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('the error names the field', () => {
    expect(thrown(() => jsonText('{', 'state.board')).message).toBe('state.board: expected JSON, got "{"')
  })
})

describe('values', () => {
  test('a value becomes its JSON text on one line', () => {
    expect(toJsonText({ a: ['x\r\ny', null] })).toBe('{"a":["x\\r\\ny",null]}')
    expect(toJsonText(null)).toBe(jsonNull)
  })

  test.each([
    { name: 'one level too deep', depth: maxJsonDepth + 1 },
    { name: 'deep enough to exhaust the stack', depth: 30_000 },
  ])('$name is refused', ({ depth }) => {
    expect(thrown(() => toJsonText(nested(depth), 'val'))).toMatchObject({
      code: 'bad_request',
      message: 'val: expected JSON nested at most 32 deep',
    })
  })

  test('the deepest that is allowed', () => {
    expect(toJsonText(nested(maxJsonDepth))).toHaveLength(2 * maxJsonDepth)
  })

  test('what JSON cannot write at all is a bug of the caller, not a mistake of a page', () => {
    expect(() => toJsonText(1n as unknown as Json)).toThrow(TypeError)
  })
})

describe('quoting', () => {
  test.each([
    { name: 'text', value: 'a"b', quoted: '"a\\"b"' },
    { name: 'nothing', value: undefined, quoted: 'undefined' },
    { name: 'sixty characters', value: 'x'.repeat(58), quoted: `"${'x'.repeat(58)}"` },
    { name: 'more than sixty', value: 'x'.repeat(59), quoted: `"${'x'.repeat(56)}…` },
    { name: 'a cut inside a surrogate pair', value: `${'x'.repeat(55)}🎲🎲🎲`, quoted: `"${'x'.repeat(55)}…` },
    { name: 'what is too deep to be written', value: nested(30_000), quoted: '…' },
  ])('$name', ({ value, quoted }) => {
    expect(quote(value)).toBe(quoted)
  })

  test('never makes half a character of whole ones', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 50, maxLength: 70 }), (text) => {
        const quoted = quote(text)
        expect(Buffer.from(quoted).toString()).toBe(quoted)
      }),
    )
  })
})

test.each([
  { name: 'an object', value: {}, is: true },
  { name: 'an object without prototype', value: Object.create(null), is: true },
  { name: 'a list', value: [], is: false },
  { name: 'null', value: null, is: false },
  { name: 'a text', value: '{}', is: false },
])('$name is an object of fields: $is', ({ value, is }) => {
  expect(isObject(value)).toBe(is)
})
