import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, test } from 'vitest'
import { openWirePage, startHubProcess, startWebApplication } from '../../packages/testkit/src/index.ts'

const restSecret = 'c05d9b7713f64f3ea1e2d848'
const hasCurl = spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0

test.skipIf(!hasCurl)(
  `the examples in docs/rest.md answer as they say${hasCurl ? '' : ': skipped, as there is no curl'}`,
  async () => {
    await using app = await startWebApplication({
      create_channel: [true, { history_size: 20, presenceful: true }],
      destroy_channel: [false, {}],
    })
    const flags = ['--cbhost', '127.0.0.1', '--cbport', String(app.port), '-r', restSecret, '--allow-set-config']
    await using hub = await startHubProcess(flags)
    await using ann = await openWirePage(hub.wsUrl)
    await ann.connect({ payload: 'ann' })
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    await using bob = await openWirePage(hub.wsUrl)
    const { id } = await bob.connect({ payload: 'bob' })

    const examples = await restExamples()
    expect(examples.length).toBeGreaterThan(16)
    for (const { command, reply } of examples) {
      const shown = command.replace('http://127.0.0.1:8001', hub.url).replace(/(?<=identifier=)[0-9a-f]{32}/, id)
      expect(`${command}\n${await shell(shown)}`).toMatch(asPattern(`${command}\n${reply}`))
    }
    expect((await ann.closed).code).toBe(4403)
    expect((await bob.closed).code).toBe(4403)
  },
)

async function restExamples(): Promise<{ command: string; reply: string }[]> {
  const page = await document('rest.md')
  const pairs = page.matchAll(/```sh\n(curl [^\n]*)\n```\n\n```json\n([^\n]*)\n```/g)
  return [...pairs].map(([, command = '', reply = '']) => ({ command, reply }))
}

/** `…` stands for anything. */
function asPattern(text: string): RegExp {
  const parts = text.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}

function shell(command: string): Promise<string> {
  return run('sh', ['-c', command.replace('curl ', 'curl -sS ')], { REST_SECRET: restSecret })
}

describe('the examples of docs/webhooks.md that check a signature', () => {
  const secret = `whsec_${randomBytes(24).toString('base64')}`
  const cases = [
    { language: 'js', runner: ['node', '--input-type=module', '-e'], wrap: javaScript },
    { language: 'python', runner: ['python3', '-c'], wrap: python },
    { language: 'php', runner: ['php', '-r'], wrap: php },
  ] as const

  for (const { language, runner, wrap } of cases) {
    const [command, ...args] = runner
    const found = spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0
    test.skipIf(!found)(`${language}${found ? '' : ': skipped, as it is not installed'}`, async () => {
      const { headers, body } = await signedCall(secret)
      const example = block(await document('webhooks.md'), language)
      const verdict = (given: Given) => run(command, [...args, wrap(example, given)], {})
      expect(await verdict({ headers, body, secret })).toBe('yes')
      expect(await verdict({ headers, body: `${body}&x=1`, secret })).toBe('no')
      expect(await verdict({ headers, body, secret: `whsec_${randomBytes(24).toString('base64')}` })).toBe('no')
      expect(await verdict({ headers: { ...headers, 'webhook-timestamp': '1' }, body, secret })).toBe('no')
    })
  }
})

interface Given {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly secret: string
}

function javaScript(example: string, { headers, body, secret }: Given): string {
  const call = [headers, body, secret].map((one) => JSON.stringify(one)).join(', ')
  return `${example}\nprocess.stdout.write(isSigned(${call}) ? 'yes' : 'no')`
}

function python(example: string, { headers, body, secret }: Given): string {
  const call = `${JSON.stringify(headers)}, ${JSON.stringify(body)}.encode(), ${JSON.stringify(secret)}`
  return `${example}\nprint('yes' if is_signed(${call}) else 'no', end='')`
}

function php(example: string, { headers, body, secret }: Given): string {
  const call = `json_decode('${JSON.stringify(headers)}', true), '${body}', '${secret}'`
  return `${example}\necho isSigned(${call}) ? 'yes' : 'no';`
}

/** A call as a hub signs it, with two secrets as while one is changed. */
async function signedCall(secret: string): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  await using app = await startWebApplication()
  const other = `whsec_${randomBytes(24).toString('base64')}`
  const flags = ['--cbhost', '127.0.0.1', '--cbport', String(app.port)]
  await using hub = await startHubProcess([...flags, '--signing-secret', other, '--signing-secret', secret])
  await using page = await openWirePage(hub.wsUrl)
  await page.connect({ payload: { name: 'zoë' } })
  const { headers, body } = await app.next('connect')
  return { headers, body }
}

function document(page: string): Promise<string> {
  return readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
}

function block(markdown: string, language: string): string {
  const [, found] = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'm').exec(markdown) ?? []
  if (found === undefined) throw new Error(`there is no block of ${language}`)
  return found
}

function run(command: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 8_000,
    })
    let output = ''
    const collect = (bytes: Buffer) => {
      output += bytes
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('error', reject)
    child.once('close', () => resolve(output))
  })
}
