import { createServer } from 'node:net'
import { freePort, startWebApplication, type WebhookReplies } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { maxReply } from '../../src/webhooks/http.ts'
import { hookbox } from '../kit/terminal.ts'

interface Found {
  readonly ok: boolean
  readonly url: string
  readonly findings: readonly {
    readonly kind: string
    readonly code: string
    readonly says: string
    readonly mend?: string
  }[]
}

const secret = '9f2c41d07be84a55b7d3a6e0'
const whole = ['--cbhost', '127.0.0.1', '-s', secret, '-r', 'c05d9b7713f64f3ea1e2d848']

/** What the doctor says of an application, by `--json`. `PORT` in what is expected stands for the application's. */
async function examined(port: number, args: readonly string[] = []) {
  const { code, stdout, stderr } = await hookbox(['doctor', '--json', ...whole, '--cbport', String(port), ...args])
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^\{[^\n]*\}\n$/)
  const { ok, findings } = JSON.parse(stdout.replaceAll(String(port), 'PORT')) as Found
  expect(ok).toBe(code === 0)
  const wrong = findings.filter(({ kind }) => kind === 'wrong').map((one) => [one.code, one.says])
  return { code, findings, wrong, text: stdout }
}

const page = (title: string, body = '') =>
  `<!doctype html><html><head><title>${title}</title></head><body>${body}</body>`
const json = { 'content-type': 'application/json' }

describe('an application that answers wrongly is named', () => {
  test.each<{ name: string; reply: WebhookReplies; wrong: [code: string, says: string]; args?: string[] }>([
    {
      name: 'redirects to its login page',
      reply: { status: 302, headers: { location: '/login?next=/hookbox/connect' } },
      wrong: [
        'redirect_login',
        'The application redirects to its login page, /login (302), and the hub follows no redirect.',
      ],
    },
    {
      name: 'redirects to the same path with a slash',
      reply: { status: 301, headers: { location: '/hookbox/connect/' } },
      wrong: [
        'redirect_slash',
        'The application redirects to the same URL with a slash at its end, /hookbox/connect/ (301), and the hub follows no redirect.',
      ],
    },
    {
      name: 'redirects to https',
      reply: { status: 308, headers: { location: 'https://127.0.0.1/hookbox/connect' } },
      wrong: [
        'redirect_https',
        'The application redirects to https, https://127.0.0.1/hookbox/connect (308), and the hub follows no redirect.',
      ],
    },
    {
      name: 'redirects elsewhere',
      reply: { status: 303, headers: { location: 'https://www.example.org/?token=hush' } },
      wrong: [
        'redirect',
        'The application redirects to https://www.example.org/ (303), and the hub follows no redirect.',
      ],
    },
    {
      name: 'answers with a page',
      reply: { headers: { 'content-type': 'text/html' }, body: page('Kim &amp; Co') },
      wrong: ['html', 'The reply is an HTML page, “Kim & Co”, instead of JSON.'],
    },
    {
      name: 'answers with its login page',
      reply: { body: page('Please log in') },
      wrong: ['html_login', 'The reply is an HTML page, “Please log in”, instead of JSON.'],
    },
    {
      name: 'writes a warning of PHP before the JSON',
      reply: {
        body: '<br />\n<b>Warning</b>:  Undefined array key "user" in <b>/srv/hookbox.php</b> on line <b>7</b><br />\n[true,{}]',
      },
      wrong: [
        'php_warning',
        'PHP wrote into the reply: “Warning: Undefined array key "user" in /srv/hookbox.php on line 7”.',
      ],
    },
    {
      name: 'answers {}',
      reply: { headers: json, body: '{}' },
      wrong: ['no_list', 'The reply is {} instead of a list of two.'],
    },
    {
      name: 'encodes its reply twice',
      reply: { headers: json, body: JSON.stringify('[true,{"name":"ann"}]') },
      wrong: ['encoded_twice', 'The reply is a JSON text instead of a list: it may have been encoded twice.'],
    },
    {
      name: 'answers in Python',
      reply: { body: "[True, {'name': 'ann'}]" },
      wrong: ['no_json', "The reply is no JSON: “[True, {'name': 'ann'}]”."],
    },
    { name: 'answers nothing', reply: { body: '' }, wrong: ['empty', 'The reply is empty.'] },
    {
      name: 'compresses its reply',
      reply: { headers: { 'content-encoding': 'br' }, body: 'x' },
      wrong: ['encoded', 'The reply is compressed (br).'],
    },
    {
      name: 'has no such path',
      reply: { status: 404, body: page('Not Found') },
      wrong: ['not_found', 'There is nothing at http://127.0.0.1:PORT/hookbox/connect (404): “Not Found”.'],
    },
    {
      name: 'takes no POST',
      reply: { status: 405 },
      wrong: ['method_not_allowed', 'http://127.0.0.1:PORT/hookbox/connect takes no POST (405).'],
    },
    {
      name: 'refuses the call itself',
      reply: { status: 403, body: 'not the hub\nsecond line' },
      wrong: ['forbidden', 'The application refuses the call itself (403): “not the hub”.'],
    },
    {
      name: 'reads JSON alone',
      reply: { status: 415, headers: json, body: '{"detail":"Unsupported media type"}' },
      wrong: [
        'form_not_read',
        'The application does not take the hub’s form (415): “{"detail":"Unsupported media type"}”.',
      ],
    },
    {
      name: 'fails',
      reply: { status: 500, body: page('ValueError at /hookbox/connect') },
      wrong: ['application_failed', 'The application failed (500): “ValueError at /hookbox/connect”.'],
    },
    {
      name: 'is behind a proxy, and not there',
      reply: { status: 502, body: '<h1>Bad Gateway</h1>' },
      wrong: ['behind_proxy', 'What answers for the application says that it is not there (502): “Bad Gateway”.'],
    },
    {
      name: 'has another status',
      reply: { status: 201, body: '[true,{}]' },
      wrong: ['status', 'The application answers with status 201 instead of 200: “[true,{}]”.'],
    },
    {
      name: 'is Django with its guard against forged forms',
      reply: {
        status: 403,
        body: page('403 Forbidden', '<h1>Forbidden</h1><p>CSRF verification failed. Request aborted.</p>'),
      },
      wrong: ['csrf', 'Django takes the call for a forged form and refuses it, as it has no CSRF token (403).'],
    },
    {
      name: 'is Rails with its guard against forged forms',
      reply: { status: 422, body: page('The change you wanted was rejected (422)') },
      wrong: ['csrf', 'Rails takes the call for a forged form and refuses it, as it has no CSRF token (422).'],
    },
    {
      name: 'is Laravel with its guard against forged forms',
      reply: { status: 419, body: page('Page Expired') },
      wrong: ['csrf', 'Laravel takes the call for a forged form and refuses it, as it has no CSRF token (419).'],
    },
    {
      name: 'is Express with a guard against forged forms',
      reply: { status: 403, body: 'ForbiddenError: invalid csrf token' },
      wrong: [
        'csrf',
        'The application takes the call for a forged form and refuses it, as it has no CSRF token (403).',
      ],
    },
    {
      name: 'is Django that does not know the host',
      reply: { status: 400, body: page('DisallowedHost at /hookbox/connect') },
      wrong: ['host_not_allowed', 'Django does not know the host name that the hub calls it by (400).'],
    },
    {
      name: 'answers too much',
      reply: { body: Buffer.alloc(maxReply + 1, ' ') },
      wrong: ['too_large', 'The answer is larger than 1 MiB, and no more of it is read.'],
    },
    {
      name: 'breaks off',
      reply: 'close',
      wrong: ['connection_closed', '127.0.0.1:PORT closed the connection before the answer was complete.'],
    },
    {
      name: 'admits nobody in particular',
      reply: [true, {}],
      wrong: ['no_name', 'The application admits somebody without a name.'],
    },
    {
      name: 'calls the name otherwise',
      reply: [true, { username: 'ann' }],
      wrong: [
        'no_name',
        'The application admits somebody without a name; there is "username", which the hub does not know.',
      ],
    },
    {
      name: 'gives a name that is none',
      reply: [true, { name: 7 }],
      wrong: ['detail', 'The reply to connect cannot be used: connect: name: expected a text, got 7.'],
    },
    {
      name: 'gives a user option of the wrong type',
      reply: [true, { name: 'ann', reflective: 'yes' }],
      wrong: ['detail', 'The reply to connect cannot be used: reflective: expected true or false, got "yes".'],
    },
    {
      name: 'refuses with the cookies as without',
      reply: [false, { error: 'sign in first' }],
      args: ['--cookie', 'session=f81d4fae0000'],
      wrong: [
        'cookies_make_no_difference',
        'The application refuses with these cookies as it does without: “sign in first”. Either they do not reach it, or they belong to no session.',
      ],
    },
    {
      name: 'fails for who has no session',
      reply: (_fields, { cookies }) => (cookies.session ? [true, { name: 'ann' }] : { status: 500, body: 'KeyError' }),
      args: ['--cookie', 'session=f81d4fae0000'],
      wrong: ['application_failed', 'For a page that brings no cookies: The application failed (500): “KeyError”.'],
    },
  ])('$name', async ({ reply, wrong, args }) => {
    await using app = await startWebApplication({ connect: reply })
    const found = await examined(app.port, args)
    expect(found.wrong).toEqual([wrong])
    expect(found.code).toBe(1)
    expect(found.findings.filter(({ kind }) => kind === 'wrong').every(({ mend }) => mend !== undefined)).toBe(true)
    for (const hidden of [secret, 'f81d4fae0000', 'hush']) expect(found.text).not.toContain(hidden)
  })

  test('an unknown channel option, by the webhook that was asked for', async () => {
    await using app = await startWebApplication({ create_channel: [true, { history_sze: 20 }] })
    const found = await examined(app.port, ['--payload', '"ann"', '--ask', 'create_channel', '--channel', 'chat'])
    expect(found.wrong).toMatchObject([
      [
        'detail',
        expect.stringMatching(
          /^The reply to create_channel cannot be used: history_sze: unknown channel option; expected one of reflective, /,
        ),
      ],
    ])
  })
})

describe('an application that does not answer is named', () => {
  test('nobody listens', async () => {
    expect((await examined(await freePort())).wrong).toEqual([
      ['connection_refused', 'Nobody listens at 127.0.0.1:PORT.'],
    ])
  })

  test('no such host', async () => {
    const { wrong } = await examined(3000, ['--cbhost', 'nowhere.invalid'])
    expect(wrong).toEqual([['host_not_found', 'The host nowhere.invalid was not found.']])
  })

  test('https where there is none', async () => {
    await using app = await startWebApplication()
    expect((await examined(app.port, ['--cbhttps'])).wrong).toEqual([['no_tls', '127.0.0.1:PORT does not speak TLS.']])
  })

  test('no HTTP at all', async () => {
    const server = createServer(
      (socket) =>
        void socket
          .on('error', () => {})
          .resume()
          .end('SSH-2.0-OpenSSH_9.2\r\n'),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    expect((await examined(port)).wrong).toEqual([['no_http', 'What listens at 127.0.0.1:PORT does not speak HTTP.']])
    await new Promise((resolve) => server.close(resolve))
  })
})
