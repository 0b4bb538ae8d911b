import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { use } from '../reconnecting-websocket.ts'
import { tailored, without } from '../tailored.ts'

const source = `class Greeter {
  static get LOUD() { return 1 }
  name = 'ann'
  times = 0
  constructor(text) { this.say = (what) => console.log(text, what) }
  _debug(text) { console.log(text) }
  greet() {
    this._debug('greets')
    this.times++
    if (this.isLoud()) this.shout()
    return this.say(this.name)
  }
  isLoud() { return this.times > 1 }
  shout() { this.say('!', this.LOUD) }
  say() {}
}`

const flat = (text: string) => text.replace(/\s+/g, ' ')

test('what is known stands in place of what it was known of, and members that are not needed then are gone', () => {
  const rest = tailored(source, {
    used: ['greet'],
    idle: ['_debug'],
    known: { 'this.isLoud()': 'false', 'this.times++': '' },
  })
  expect(flat(rest)).toBe(
    flat(`class Greeter {
      static get LOUD() { return 1 }
      name = 'ann'
      constructor(text) { this.say = (what) => console.log(text, what) }
      greet() {
        if (false) this.shout()
        return this.say(this.name)
      }
      shout() { this.say('!', this.LOUD) }
      say() {}
    }`),
  )
})

test('what is not there is told, as the source is another one then', () => {
  const use = { used: ['greet', 'cry'], idle: ['_trace'], known: { 'this.isSad()': 'false' } }
  expect(() => tailored(source, use)).toThrow('expected cry, _trace, this.isSad()')
})

test('an option that nothing reads is left out', () => {
  const rest = without('greet({ loud: true, name: loud, often: 3 }, loud)', ['loud', 'often'])
  expect(rest).toBe('greet({ ...{}, name: loud, ...{} }, loud)')
})

test('of reconnecting-websocket what the client calls is left, and nothing that it says of itself is missing', () => {
  const require = createRequire(import.meta.url)
  const path = require.resolve('reconnecting-websocket/reconnecting-websocket.ts')
  const rest = tailored(readFileSync(path, 'utf8'), use)
  for (const called of ['close', 'reconnect']) expect(rest).toMatch(new RegExp(`public ${called}\\b`))
  for (const [, name] of rest.matchAll(/this\.(\w+)/g))
    expect(rest).toMatch(new RegExp(`^ *(p\\w+ )?${name}\\b|this\\.${name} =`, 'm'))
})
