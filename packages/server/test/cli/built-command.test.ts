import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { startWebApplication, until } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import { RunningHub, restSecret } from '../kit/running-hub.ts'
import type { Ended } from '../kit/terminal.ts'

const folder = fileURLToPath(new URL('../..', import.meta.url))
const script = join(folder, 'dist/cli.js')
const secret = '9f2c41d07be84a55b7d3a6e0'

/** A program and what it has written so far. */
interface Running {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<Ended>
  readonly stdout: () => string
  readonly stderr: () => string
}

function start(command: string, args: readonly string[], env: Record<string, string> = {}, cwd?: string): Running {
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (bytes) => {
    stdout += bytes
  })
  child.stderr.on('data', (bytes) => {
    stderr += bytes
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
  })
  return { child, ended, stdout: () => stdout, stderr: () => stderr }
}

function hookbox(args: readonly string[], env?: Record<string, string>): Running {
  return start(process.execPath, [script, ...args], env)
}

/** Of a shell, in which `hookbox` is the command. */
function shell(line: string, env: Record<string, string>): Running {
  const path = process.env.PATH ?? ''
  return start('sh', ['-c', `hookbox() { "${process.execPath}" "${script}" "$@"; }; ${line}`], { PATH: path, ...env })
}

test('doctor goes by the environment as a hub does, and ends with 0, 1 or 2', async () => {
  await using app = await startWebApplication({ connect: [true, { name: 'ann' }] })
  const env = { HOOKBOX_CBHOST: '127.0.0.1', HOOKBOX_CBPORT: String(app.port), HOOKBOX_WEBHOOK_SECRET: secret }
  const [good, bad, wrong] = await Promise.all([
    hookbox(['doctor', '--json'], env).ended,
    hookbox(['doctor', '--cbhost', 'nowhere.invalid'], env).ended,
    hookbox(['doctor', '--nonsense'], env).ended,
  ])
  expect(good).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(good.stdout)).toMatchObject({ ok: true, url: `${app.url}/hookbox/connect` })
  expect(bad).toMatchObject({ code: 1, stderr: '', stdout: expect.stringContaining('was not found.\n') })
  expect(bad.stdout).not.toContain('\u001b')
  expect(wrong).toMatchObject({ code: 2, stdout: '' })
  expect(good.stdout + bad.stdout).not.toContain(secret)
  expect(app.calls('connect')[0]?.fields.secret).toBe(secret)
})

test('probe tells a script by its exit code what the application says', async () => {
  await using app = await startWebApplication({ publish: [false, { error: 'no spam' }] })
  const line = 'hookbox probe publish channel_name=chat payload=1 >&2; echo $?'
  const env = { HOOKBOX_CBHOST: '127.0.0.1', HOOKBOX_CBPORT: String(app.port) }
  expect(await shell(line, env).ended).toMatchObject({
    code: 0,
    stdout: '1\n',
    stderr: expect.stringContaining('no spam'),
  })
})

test('what is piped into publish comes out of tail, and Ctrl-C ends it with 0', async () => {
  await using hub = await RunningHub.start()
  const tail = hookbox(['tail', 'chat', '--url', hub.url, '--name', 'tim'])
  await until(() => (tail.stderr().includes('in chat\n') ? true : undefined), 'the tail', { instead: tail.stderr })
  const env = { HOOKBOX_API_SECURITY_TOKEN: restSecret, URL: hub.url }
  const published = await shell(`printf '{"n":\\n1}' | hookbox publish chat --rest $URL`, env).ended
  expect(published).toMatchObject({ code: 0, stderr: '' })
  await until(() => (tail.stdout().endsWith('\n') ? true : undefined), 'a line', { instead: tail.stderr })
  tail.child.kill('SIGINT')
  const { code, stdout, stderr } = await tail.ended
  expect([code, stderr]).toEqual([0, 'hookbox tail: connected as tim\nhookbox tail: in chat\n'])
  expect(JSON.parse(stdout)).toMatchObject({ channel: 'chat', event: 'publish', payload: { n: 1 } })
})

test('whoever reads one line and goes ends a tail quietly', async () => {
  await using hub = await RunningHub.start()
  const tail = shell('hookbox tail chat --url $URL --name tim | head -n 1', { URL: hub.url })
  await until(() => (tail.stderr().includes('in chat\n') ? true : undefined), 'the tail', { instead: tail.stderr })
  let isOver = false
  const ended = tail.ended.finally(() => {
    isOver = true
  })
  // One line is read, and a later one finds nobody there.
  await until(
    async () => {
      if (isOver) return true
      await hub.rest('publish', { channel_name: 'chat', payload: '1' })
      return undefined
    },
    'the end of the tail',
    { instead: tail.stderr },
  )
  const { stdout, stderr } = await ended
  expect(stdout.split('\n')).toHaveLength(2)
  expect(stderr).toBe('hookbox tail: connected as tim\nhookbox tail: in chat\n')
})

test('the examples of docs/webhooks.md that test callbacks do what they say', async () => {
  await using app = await startWebApplication({
    connect: (_fields, { cookies }) => [cookies.session === 'f81d4fae', { name: 'ann' }],
    publish: ({ payload }) => [payload !== '"spam"', { error: 'no spam' }],
  })
  const page = await readFile(new URL('../../../../docs/webhooks.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split('\n## Testing your callbacks\n')
  const block = (language: string) =>
    new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(section)?.[1]?.replace('3000', String(app.port)) ?? ''
  const says = [...block('js').matchAll(/console\.log.* \/\/ (.*)\n/g)].map(([, line]) => line)
  // From the package's own folder, its name leads to what was built.
  const node = start(process.execPath, ['--input-type=module', '-e', block('js')], { WEBHOOK_SECRET: secret }, folder)
  expect(await node.ended).toEqual({ code: 0, stdout: `${says.join('\n')}\n`, stderr: '' })
  expect(says).toHaveLength(2)
  const probe = await shell(`${block('sh').trim()}; echo $?`, { HOOKBOX_CBHOST: '127.0.0.1' }).ended
  expect(probe.stdout).toMatch(/"error":"no spam".*\n1\n$/)
})

test('a first word that is no command is told as one mistake', async () => {
  expect(await hookbox(['dcotor']).ended).toEqual({
    code: 2,
    stdout: '',
    stderr: 'hookbox: "dcotor": expected options, or a command as the first word\n',
  })
})

test('the help of the hub lists the commands', async () => {
  const { code, stdout } = await hookbox(['--help']).ended
  expect(code).toBe(0)
  for (const name of ['doctor', 'probe WEBHOOK', 'tail CHANNEL', 'publish CHANNEL', 'info', 'channels', 'users']) {
    expect(stdout).toContain(`\n  ${name}`)
  }
})
