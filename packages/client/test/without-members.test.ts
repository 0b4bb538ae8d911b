import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { withoutMembers } from '../without-members.ts'

const source = `class Greeter {
  static get LOUD() { return 1 }
  get LOUD() { return 1 }
  name = 'ann'
  _debug(text) { console.log(text) }
  onGreet = null
  greet() {
    this._debug('greets')
    if (this.onGreet) {
      this.onGreet()
    }
    if (this.name) this.name = ''
    return this.other._debug('kept')
  }
}`

test('members go, and the statements that only call them or are for when they are set', () => {
  expect(withoutMembers(source, ['LOUD', '_debug', 'onGreet']).replace(/\s+/g, ' ')).toBe(
    "class Greeter { name = 'ann' greet() { if (this.name) this.name = '' return this.other._debug('kept') } }",
  )
})

test('a member that is not there is told, as the source is another one then', () => {
  expect(() => withoutMembers(source, ['name', 'shout', 'cry'])).toThrow('expected members shout, cry')
})

test('of reconnecting-websocket what the client calls is left', () => {
  const require = createRequire(import.meta.url)
  const path = require.resolve('reconnecting-websocket/reconnecting-websocket.ts')
  const config = readFileSync(new URL('../tsup.config.ts', import.meta.url), 'utf8')
  const [, list = ''] = /unusedMembers = \[([^\]]*)\]/.exec(config) ?? []
  const unused = [...list.matchAll(/'(\w+)'/g)].map(([, name = '']) => name)
  const rest = withoutMembers(readFileSync(path, 'utf8'), unused)
  expect(unused).not.toEqual([])
  // whatever it still says of itself is still there
  const said = new Set([...rest.matchAll(/this\.(\w+)/g)].map(([, name]) => name))
  expect(unused.filter((name) => said.has(name))).toEqual([])
  for (const called of ['addEventListener', 'send', 'close']) expect(rest).toMatch(new RegExp(`public ${called}\\b`))
})
