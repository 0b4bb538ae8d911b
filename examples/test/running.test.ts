import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { load } from '../../packages/server/src/config/load.ts'
import {
  freePort,
  openWirePage,
  startHubProcess,
  startWebApplication,
  within,
} from '../../packages/testkit/src/index.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const unit = read('examples/systemd/hookbox.service')
const page = read('docs/running-it-for-real.md')
const directory = mkdtempSync(join(tmpdir(), 'hookbox-running-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** The values of a setting, continued lines joined. */
function settings(name: string): string[] {
  const joined = unit.replace(/\\\n\s*/g, '')
  return [...joined.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)
}

const [node = '', script = '', ...flags] = settings('ExecStart')[0]?.split(/ +/) ?? []

/** What the page says that stands in the file of the environment. */
const environment = Object.fromEntries(
  [...(/^```ini\n([\s\S]*?)^```/m.exec(page)?.[1]?.matchAll(/^(\w+)=(.*)$/gm) ?? [])].map(
    ([, name = '', value = '']) => [name, value],
  ),
)

const hasCurl = spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0
if (!hasCurl) process.emitWarning('the commands of docs/running-it-for-real.md are not tried, as there is no curl')

/** Programs that need a machine of their own, and that this test leaves alone. */
const notHere = /^(npm install|install|systemctl|journalctl) /

describe('examples/systemd/hookbox.service', () => {
  test('starts the hub with flags and variables that it has', () => {
    const command = load(flags, environment)
    if (typeof command === 'string') return expect.unreachable()
    const { config, warnings } = command
    expect(warnings).toEqual([])
    expect(config).toMatchObject({
      ...{ port: 8001, interface: '127.0.0.1', webApiPort: 8002, webApiInterface: '127.0.0.1', trustProxy: 1 },
      ...{ open: false, snapshot: '/var/lib/hookbox/hub.snapshot', webhookSecret: environment.HOOKBOX_WEBHOOK_SECRET },
      webhooks: { host: '127.0.0.1', port: 8000 },
    })
  })

  test('starts the command of the package', () => {
    const { bin } = JSON.parse(read('packages/server/package.json')) as { bin: { hookbox: string } }
    expect(script).toBe(`/opt/hookbox/${join('node_modules/@hookbox/server', bin.hookbox)}`)
  })

  test('gives it the time that stopping takes, and its state a place', () => {
    expect(Number(settings('TimeoutStopSec')[0])).toBeGreaterThan(10 + 3)
    expect(settings('ExecStart')[0]).toContain(` --snapshot /var/lib/${settings('StateDirectory')[0]}/`)
    expect(settings('EnvironmentFile')).toEqual(['/etc/hookbox/hub.env'])
  })

  const systemd = spawnSync('systemd-analyze', ['--version']).status === 0
  if (!systemd) process.emitWarning('the unit is not verified, as there is no systemd-analyze on the PATH')

  test.skipIf(!systemd)('is one that systemd takes, and that leaves little open', () => {
    const file = join(directory, 'hookbox.service')
    writeFileSync(file, unit.replace(node, process.execPath))
    const analyze = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, file], { encoding: 'utf8' })
      return { status, output: stdout + stderr }
    }
    expect(analyze('verify')).toEqual({ status: 0, output: '' })
    const { status, output } = analyze('security', '--offline=true', '--threshold=20')
    expect(status, output.split('\n').slice(-3).join('\n')).toBe(0)
  })
})

describe('docs/running-it-for-real.md', () => {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) => block.trim().split('\n'))

  test('the files that it installs are there, and every command is one that is tried below or needs a machine of its own', () => {
    expect(blocks.filter((line) => !notHere.test(line) && !line.startsWith('curl '))).toEqual([])
    for (const [, path = ''] of page.matchAll(/\]\(((?:\.\.\/)?[\w/.-]+\.(?:service|yml|json|md))[)#]/g)) {
      expect(read(join('docs', path)).length, path).toBeGreaterThan(0)
    }
  })

  test.skipIf(!hasCurl)(
    'the hub of the unit answers as it says, and is restarted without anybody noticing',
    async () => {
      await using app = await startWebApplication({ create_channel: [true, { history_size: 5, presenceful: true }] })
      const ports = { rest: String(await freePort()), snapshot: join(directory, 'hub.snapshot') }
      const own = flags
        .filter((flag, i) => flag !== '--port' && flags[i - 1] !== '--port')
        .map(
          (flag) =>
            ({ '8002': ports.rest, '8000': String(app.port), '/var/lib/hookbox/hub.snapshot': ports.snapshot })[flag] ??
            flag,
        )
      await using hub = await startHubProcess(own, { env: environment })
      const tries = blocks.filter((line) => line.startsWith('curl '))
      expect(tries).toHaveLength(3)
      const answers = tries.map((line) => {
        const shown = line.replace(':8001', `:${hub.port}`).replace(':8002', `:${ports.rest}`)
        const { status, stdout } = spawnSync('sh', ['-c', shown], { encoding: 'utf8' })
        return { line, status, stdout }
      })
      const says = [/"status":"ok"/, /^\{"status":"ready"\}$/, /^hookbox_ready 1$/m]
      for (const [i, { line, status, stdout }] of answers.entries()) {
        expect(status, line).toBe(0)
        expect(stdout).toMatch(says[i] ?? /$^/)
      }

      const ann = await openWirePage(hub.wsUrl)
      const { ticket } = await ann.connect({ payload: 'ann' })
      const { position } = (await ann.ask('SUBSCRIBE', { channel_name: 'chat' })).args
      const missed = new URLSearchParams({
        security_token: environment.HOOKBOX_API_SECURITY_TOKEN ?? '',
        channel_name: 'chat',
        payload: '"missed"',
      })
      ann.close(4999)
      await ann.closed
      await fetch(`http://127.0.0.1:${ports.rest}/publish`, { method: 'POST', body: missed })
      const asked = app.calls().length
      expect(await hub.kill('SIGTERM')).toBe(0)
      await within(hub.restart(), 'the hub to start again')
      const back = await openWirePage(hub.wsUrl)
      await back.connect({ payload: 'ann', ...(ticket !== undefined && { ticket }) })
      const { args } = await back.ask('SUBSCRIBE', { channel_name: 'chat', since: position })
      expect(args).toMatchObject({ recovered: true, missed: 1 })
      expect((await back.next('PUBLISH')).args.payload).toBe('missed')
      expect(
        app
          .calls()
          .slice(asked)
          .map(({ action }) => action),
      ).toEqual([])
    },
  )
})
