import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import type { LogConfig } from '../src/config/config.ts'
import { createAccessLog, createLog } from '../src/log.ts'
import { sink } from './kit/sink.ts'

const directory = mkdtempSync(join(tmpdir(), 'hookbox-log-'))
afterAll(() => rmSync(directory, { recursive: true }))

function open(config: Partial<LogConfig> = {}, isTTY = false) {
  const stdout = sink({ isTTY })
  return {
    log: createLog({ level: 'info', errorFile: undefined, accessFile: undefined, ...config }, { stdout }),
    stdout,
  }
}

test('a line is JSON with time, level and message', () => {
  const { log, stdout } = open()
  log.info({ channel: 'chat' }, 'created')
  log.debug('too low')
  expect(stdout.lines).toEqual([
    { level: 'info', time: expect.any(Number), pid: process.pid, channel: 'chat', msg: 'created' },
  ])
})

test('a message is never a format', () => {
  const { log, stdout } = open()
  log.info('100 %o %s %d')
  log.info({ a: 1 }, '%j')
  expect(stdout.lines.map(({ msg }) => msg)).toEqual(['100 %o %s %d', '%j'])
})

test.each([
  'cookie',
  'cookies',
  'Set-Cookie',
  'cookie_string',
  'cookieString',
  'authorization',
  'secret',
  'webhookSecret',
  'security_token',
  'signingSecrets',
  'ticket',
  'password',
  'session',
])('%s is redacted at any level', (name) => {
  const { log, stdout } = open()
  log.info({ [name]: 'hidden', deep: [{ deeper: { [name]: { value: 'hidden' } } }] }, 'x')
  log.child({ [name]: 'hidden' }).info('y')
  expect(stdout.text).not.toContain('hidden')
  expect(stdout.lines[0]).toMatchObject({ [name]: '[redacted]', deep: [{ deeper: { [name]: '[redacted]' } }] })
})

test('what only sounds like a secret is not redacted', () => {
  const { log, stdout } = open()
  log.info({ cookieIdentifier: 'sessionid', bytes: 3, sessions: 4 }, 'x')
  expect(stdout.lines[0]).toMatchObject({ cookieIdentifier: 'sessionid', bytes: 3, sessions: 4 })
})

test('strings are cut at 256 characters', () => {
  const { log, stdout } = open()
  log.info({ a: 'a'.repeat(300), deep: ['b'.repeat(300)] }, 'm'.repeat(300))
  const [line] = stdout.lines
  expect(line).toEqual(
    expect.objectContaining({
      a: `${'a'.repeat(255)}…`,
      deep: [`${'b'.repeat(255)}…`],
      msg: `${'m'.repeat(255)}…`,
    }),
  )
})

test('an error has its stack, its code and its cause', () => {
  const { log, stdout } = open()
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  log.error({ err: new TypeError('failed', { cause }) }, 'x')
  expect(stdout.lines[0]).toMatchObject({
    err: {
      type: 'TypeError',
      message: 'failed',
      stack: expect.stringContaining('log.test.ts'),
      cause: { message: 'refused', code: 'ECONNREFUSED' },
    },
    msg: 'x',
  })
})

test('neither a query nor a password in a URL is logged', () => {
  const { log, stdout } = open()
  log.info({ url: 'http://me:pw@app.example/rest?secret=hidden', path: '/rest/publish?secret=hidden' }, 'x')
  expect(stdout.lines[0]).toMatchObject({ url: 'http://app.example/rest', path: '/rest/publish' })
})

test.each([
  ['{"token": "hid\\"den", "pin": 4711}', '{"token": "[redacted]", "pin": 4711}'],
  ['{"userSecret":81, "name":"ann"}', '{"userSecret":"[redacted]", "name":"ann"}'],
  ['… "session" : "hidden and cut off', '… "session" : "[redacted]"'],
  ['POST secret=hidden&channel_name=chat', 'POST secret=[redacted]&channel_name=chat'],
  ['<td>csrf_token=hidden</td>', '<td>csrf_token=[redacted]</td>'],
  ['no such token: 7', 'no such token: 7'],
])('in a text, %s becomes %s', (text, shown) => {
  const { log, stdout } = open()
  log.error({ fault: text, err: new Error(text) }, 'x')
  expect(stdout.lines[0]).toMatchObject({ fault: shown, err: { message: shown } })
  expect(stdout.text).not.toContain('hidden')
})

test('the last lines can be read', () => {
  const { log } = open({ level: 'debug' })
  log.info({ secret: 'hidden' }, 'first')
  log.trace('too low')
  log.child({ of: 'a child' }).debug('second')
  log.info('third')
  expect(log.lines.after(1).map(({ what }) => JSON.parse(what).msg)).toEqual(['second', 'third'])
  expect(log.lines.after()[0]?.what).toContain('"secret":"[redacted]"')
})

test('what goes round in circles is cut', () => {
  const { log, stdout } = open()
  const round: { self?: unknown } = {}
  round.self = round
  log.info({ round }, 'x')
  expect(stdout.lines).toHaveLength(1)
})

test('silent says nothing', () => {
  const { log, stdout } = open({ level: 'silent' })
  log.fatal('x')
  expect(stdout.text).toBe('')
})

test('errors and above go to the error file as well', () => {
  const errorFile = join(directory, 'errors.log')
  const { log, stdout } = open({ errorFile })
  log.warn('w')
  log.error('e')
  log.fatal('f')
  const inFile = readFileSync(errorFile, 'utf8').trim().split('\n')
  expect(inFile.map((line) => JSON.parse(line).msg)).toEqual(['e', 'f'])
  expect(stdout.lines).toHaveLength(3)
})

test('on a terminal a line is readable', () => {
  const { log, stdout } = open({}, true)
  log.warn({ user: 'ann', text: 'two words', count: 2, pair: { a: 1 } }, 'something happened')
  const plain = stripVTControlCharacters(stdout.text)
  expect(plain).toMatch(
    /^\d\d:\d\d:\d\d WARN {2}something happened user=ann text="two words" count=2 pair=\{"a":1\}\n$/,
  )
})

test('on a terminal an error’s stack stands below', () => {
  const { log, stdout } = open({}, true)
  log.error({ err: new Error('broken') }, 'failed')
  expect(stdout.text).toMatch(/failed\n {4}Error: broken\n {4} +at .*log\.test\.ts/)
})

test('no control character of a stranger reaches a terminal', () => {
  const { log, stdout } = open({}, true)
  const evil = '\x1b]0;owned\x07\x1b[2J\u009b31m\u202e\r'
  log.info({ [evil]: evil, user: evil, deep: { [evil]: [evil] }, err: new Error(evil) }, evil)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are our own
  const plain = stdout.text.replace(/\x1b\[(?:1|22|3\d|9\d|39)m/g, '')
  expect(plain).not.toMatch(/[^\P{C}\n]/u)
})

test('access lines are JSON in a file of their own', () => {
  const file = join(directory, 'access.log')
  const access = createAccessLog(file)
  const line = { request: 'r-1', address: '::1', method: 'GET', status: 200, duration: 3, userAgent: 'x' }
  access?.write({ ...line, path: '/rest/publish?secret=hidden' })
  access?.write({ ...line, path: '/ws', status: 101, closeCode: 1000 })
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  expect(lines.map((one) => JSON.parse(one))).toEqual([
    { ...line, path: '/rest/publish', time: expect.any(String) },
    { ...line, path: '/ws', status: 101, closeCode: 1000, time: expect.any(String) },
  ])
  access?.close()
})

test('what every line is to tell is in each of both logs', () => {
  const file = join(directory, 'access-of-2.log')
  const access = createAccessLog(file, { worker: 2 })
  access?.write({
    request: 'r-1',
    address: '::1',
    method: 'GET',
    path: '/ws',
    status: 101,
    duration: 3,
    userAgent: 'x',
  })
  access?.close()
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ worker: 2, path: '/ws' })
  const stdout = sink()
  const log = createLog({ level: 'info', errorFile: undefined, accessFile: undefined }, { stdout }, { worker: 2 })
  log.child({ channel: 'chat' }).info('created')
  expect(stdout.lines).toMatchObject([{ pid: process.pid, worker: 2, channel: 'chat', msg: 'created' }])
})

test('without a file there are no access lines', () => {
  expect(createAccessLog(undefined)).toBeUndefined()
})

test('a file that cannot be opened is named', () => {
  expect(() => createAccessLog(join(directory, 'no/such'))).toThrow(
    /^log_file_access: cannot write to .*no\/such, ENOENT/,
  )
})
