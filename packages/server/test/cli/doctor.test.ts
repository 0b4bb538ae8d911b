import { startWebApplication } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { hookbox } from '../kit/terminal.ts'

const secret = '9f2c41d07be84a55b7d3a6e0'

describe('on a terminal', () => {
  test('each thing is a sentence, and what is wrong comes with how to mend it', async () => {
    await using app = await startWebApplication({ connect: { status: 200, body: '{}' } })
    const flags = ['--cbhost', '127.0.0.1', '--cbport', String(app.port), '-s', secret]
    const { code, stdout, stderr } = await hookbox(['doctor', ...flags])
    expect(stderr).toBe('')
    expect(code).toBe(1)
    expect(stdout.replaceAll(String(app.port), '3000')).toBe(
      [
        'Asking http://127.0.0.1:3000/hookbox/connect as a hub would.',
        '',
        'wrong  The reply is {} instead of a list of two.',
        '       Answer with [true, {"name": "ann"}], first whether it is allowed, then the details, or with [false, {"error": "…"}] to refuse.',
        'note   REST is off, as it has no secret: the application cannot publish by itself.',
        '       Where it is to, set --api-security-token.',
        '',
        'One thing is wrong.',
        '',
      ].join('\n'),
    )
  })

  test('what an application wrote moves no cursor', async () => {
    await using app = await startWebApplication({ connect: [false, { error: '\u001b[2Jboo\u202e' }] })
    const { stdout } = await hookbox(['doctor', '--cbhost', '127.0.0.1', '--cbport', String(app.port)])
    expect(stdout).toContain('“[2Jboo”')
    expect(stdout).not.toMatch(/[^\P{C}\n]/u)
  })
})

describe('a mistake is one line and exit code 2', () => {
  test.each([
    { args: ['chat'], says: '"chat": expected options only' },
    { args: ['--nonsense'], says: '--nonsense: no option has this name; hookbox --help lists them' },
    { args: ['--cbport', 'x'], says: '--cbport: expected a whole number from 1 to 65535, got "x"' },
    { args: ['--payload', 'hi'], says: '--payload: expected JSON, got "hi"' },
    { args: ['--payload'], says: '--payload: expected JSON, got nothing' },
    { args: ['--json=1'], says: '--json: expected no value' },
    {
      args: ['--ask', 'connect'],
      says: '--ask: expected some of disconnect, create_channel, destroy_channel, subscribe, unsubscribe, publish, message, hub_started, got "connect"',
    },
    { args: ['--ask', 'message,publish'], says: '--ask publish: expected --channel as well' },
    { args: ['--cookie', 'hush'], says: '--cookie: expected name=value, or several with semicolons between them' },
    { args: ['--url', 'hub'], says: '--url: expected a URL that begins with wss, ws, https or http' },
    {
      args: ['--origin-to-check', 'hub'],
      says: '--origin-to-check: expected an origin such as https://example.org, got "hub"',
    },
  ])('$args', async ({ args, says }) => {
    expect(await hookbox(['doctor', ...args])).toEqual({ code: 2, stdout: '', stderr: `hookbox doctor: ${says}\n` })
  })

  test('a variable that is none is one, too', async () => {
    expect(await hookbox(['doctor'], { env: { HOOKBOX_CBPROT: '1' } })).toMatchObject({ code: 2, stdout: '' })
  })
})

test('its help has every flag, and fits 100 columns where it is prose', async () => {
  const { code, stdout } = await hookbox(['doctor', '--help'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Usage: hookbox doctor \[options\]\n\n/)
  for (const flag of ['cookie', 'payload', 'ask', 'channel', 'user', 'origin-to-check', 'url', 'json']) {
    expect(stdout).toContain(`--${flag}`)
  }
  const prose = stdout.slice(0, stdout.indexOf('\nExamples'))
  expect(prose.split('\n').filter((line) => line.length > 100)).toEqual([])
})
