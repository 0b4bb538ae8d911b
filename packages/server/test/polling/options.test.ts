import { HookboxError } from '@hookbox/protocol'
import { describe, expect, test } from 'vitest'
import { checkPolling, type Polling, writePolling } from '../../src/polling/options.ts'

const url = 'http://app/points'
const once = { turn: 1, done: false }
const simple: Polling = { mode: 'simple', url, interval: 5_000, form: {}, originator: undefined, ...once }

test.each<{ name: string; value: unknown; current?: Polling; options: Polling | undefined }>([
  { name: 'the least', value: { mode: 'simple', url }, options: simple },
  {
    name: 'everything',
    value: { mode: 'persistent', url, interval: 1.5, form: { a: 'b', n: 1, yes: true }, originator: 'graph' },
    options: {
      mode: 'persistent',
      url,
      interval: 1_500,
      form: { a: 'b', n: '1', yes: 'true' },
      originator: 'graph',
      ...once,
    },
  },
  { name: "PHP's empty form", value: { mode: 'once', url, form: [] }, options: { ...simple, mode: 'once' } },
  { name: 'null', value: null, current: simple, options: undefined },
  { name: 'false', value: false, current: simple, options: undefined },
  { name: 'off', value: 'off', current: simple, options: undefined },
  { name: 'mode off', value: { mode: 'off', interval: 3 }, current: simple, options: undefined },
  { name: 'an empty mode', value: { mode: '', url: '' }, current: simple, options: undefined },
  { name: '{} where there is nothing', value: {}, options: undefined },
  { name: '[] where there is nothing', value: [], options: undefined },
  { name: '{}, which changes nothing', value: {}, current: simple, options: simple },
  { name: 'one detail', value: { interval: 2 }, current: simple, options: { ...simple, interval: 2_000 } },
  { name: 'another mode', value: { mode: 'once' }, current: simple, options: { ...simple, mode: 'once' } },
  {
    name: 'a form in place of the form',
    value: { form: { b: '2' } },
    current: { ...simple, form: { a: '1' } },
    options: { ...simple, form: { b: '2' } },
  },
  { name: 'an originator', value: { originator: 'x' }, current: simple, options: { ...simple, originator: 'x' } },
  { name: 'no originator', value: { originator: null }, current: { ...simple, originator: 'x' }, options: simple },
  { name: 'an empty originator', value: { originator: '' }, current: { ...simple, originator: 'x' }, options: simple },
])('polling: $name', ({ value, current, options }) => {
  // What is given anew begins anew.
  const turn = current && options !== undefined && options !== current ? current.turn + 1 : 1
  expect(checkPolling(value, current)).toEqual(options && { ...options, turn })
})

describe('a wrong detail is named', () => {
  const aUrl = 'polling.url: expected an http or https URL without user name and password, got'
  test.each([
    { value: 'on', error: 'polling: expected an object, got "on"' },
    { value: true, error: 'polling: expected an object, got true' },
    {
      value: { mode: 'simple', url, every: 1 },
      error: 'polling.every: unknown; expected one of mode, url, interval, form, originator',
    },
    { value: { url }, error: 'polling.mode: expected "simple", "persistent", "once" or "off", got nothing' },
    {
      value: { mode: 'Simple', url },
      error: 'polling.mode: expected "simple", "persistent", "once" or "off", got "Simple"',
    },
    { value: { mode: 'simple' }, error: `${aUrl} nothing` },
    { value: { mode: 'simple', url: 1 }, error: `${aUrl} 1` },
    { value: { mode: 'simple', url: '/points' }, error: `${aUrl} another text` },
    { value: { mode: 'simple', url: 'file:///etc/passwd' }, error: `${aUrl} another text` },
    { value: { mode: 'simple', url: 'javascript:1' }, error: `${aUrl} another text` },
    { value: { mode: 'simple', url: 'http://ann:hush@app/' }, error: `${aUrl} another text` },
    { value: { mode: 'simple', url: 'http://ann@app/' }, error: `${aUrl} another text` },
    {
      value: { mode: 'simple', url, interval: 0 },
      error: 'polling.interval: expected seconds from 0.1 to 86400, got 0',
    },
    {
      value: { mode: 'simple', url, interval: 86_401 },
      error: 'polling.interval: expected seconds from 0.1 to 86400, got 86401',
    },
    {
      value: { mode: 'simple', url, interval: '5' },
      error: 'polling.interval: expected seconds from 0.1 to 86400, got "5"',
    },
    { value: { mode: 'simple', url, form: 'a=b' }, error: 'polling.form: expected an object of texts, got "a=b"' },
    { value: { mode: 'simple', url, form: { a: [1] } }, error: 'polling.form.a: expected a text, got [1]' },
    { value: { mode: 'simple', url, originator: 1 }, error: 'polling.originator: expected a text, got 1' },
  ])('$error', ({ value, error }) => {
    expect(() => checkPolling(value)).toThrow(new HookboxError('bad_request', error))
  })
})

test.each<Polling>([
  simple,
  { mode: 'persistent', url, interval: 1_234, form: { a: 'b', ['__proto__']: 'c' }, originator: 'graph', ...once },
])('what is written is read as the same', (options) => {
  expect(checkPolling(JSON.parse(JSON.stringify(writePolling(options))))).toEqual(options)
})
