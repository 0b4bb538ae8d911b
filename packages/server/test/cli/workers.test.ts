import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  freePort,
  lacksRedis,
  openWirePage,
  type Program,
  startProgram,
  TestClock,
  until,
  type WirePage,
} from '@hookbox/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { run } from '../../src/cli/run.ts'
import type { FromWorker, ToWorker } from '../../src/cli/worker-messages.ts'
import { createWorkers, metricsTimeout, type WorkerProcess } from '../../src/cli/workers.ts'
import { load } from '../../src/config/load.ts'
import { version } from '../../src/config/version.ts'
import { type Asked, raw } from '../kit/http.ts'
import { Operator } from '../kit/operator.ts'
import { RecordingLog } from '../kit/recording-log.ts'
import { sharedRedis } from '../kit/redis.ts'
import { post, read, sessionOf } from '../kit/stream-page.ts'
import { testTerminal } from '../kit/terminal.ts'

/** A process that does nothing by itself. */
class Puppet extends EventEmitter implements WorkerProcess {
  static #pids = 100
  readonly pid = Puppet.#pids++
  readonly heard: ToWorker[] = []
  readonly number: number

  constructor(number: number) {
    super()
    this.number = number
  }

  send(message: ToWorker): void {
    this.heard.push(message)
  }

  onMessage(hear: (message: FromWorker) => void): void {
    this.on('message', hear)
  }

  onEnd(hear: (code: number | null, signal: string | null, err?: Error) => void): void {
    this.once('end', hear)
  }

  says(message: FromWorker): void {
    this.emit('message', message)
  }

  listens(): void {
    this.says({ kind: 'here' })
    this.says({ kind: 'listening', listening: { url: 'http://127.0.0.1:8001' } })
  }

  ends(code: number | null, signal: string | null = null): void {
    this.emit('end', code, signal)
  }
}

async function puppets(count = 2) {
  const loaded = load(['--workers', `${count}`, '--redis', 'redis://one'], {})
  if (typeof loaded === 'string') throw new Error(loaded)
  const clock = new TestClock()
  const log = new RecordingLog()
  const started: Puppet[] = []
  const fork = (number: number) => {
    const puppet = new Puppet(number)
    started.push(puppet)
    return puppet
  }
  const workers = createWorkers({ config: loaded.config, log, fork, clock })
  const { config } = loaded
  const last = () => started.at(-1) as Puppet
  return { workers, started, last, clock, log, config }
}

/** All of them listen. */
async function listening(count = 2) {
  const all = await puppets(count)
  const listen = all.workers.listen()
  for (let next = 0; next < count; next++) {
    all.started[next]?.listens()
    await all.clock.settle()
  }
  expect(await listen).toEqual({ url: 'http://127.0.0.1:8001' })
  return all
}

describe('workers', () => {
  test('the first one begins alone, and all with the same configuration', async () => {
    const { workers, started, clock, config } = await puppets(3)
    const listen = workers.listen()
    await clock.settle()
    expect(started.map(({ number }) => number)).toEqual([1])
    started[0]?.listens()
    await clock.settle()
    expect(started.map(({ number }) => number)).toEqual([1, 2, 3])
    for (const puppet of started.slice(1)) puppet.listens()
    await listen
    for (const { heard } of started) expect(heard).toEqual([{ kind: 'begin', config }])
  })

  test.each([
    { code: 2, name: 'ConfigError' },
    { code: 1, name: 'HookboxError' },
  ])('what the first one fails for is told by the command, with status $code', async ({ code, name }) => {
    const { workers, started } = await puppets()
    const listen = workers.listen()
    started[0]?.says({ kind: 'failed', message: 'port 8001 is taken', code })
    started[0]?.ends(code)
    await expect(listen).rejects.toMatchObject({ name, message: 'port 8001 is taken' })
    expect(started).toHaveLength(1)
  })

  test('a first one that ends without a word is one sentence, too', async () => {
    const { workers, started } = await puppets()
    const listen = workers.listen()
    started[0]?.ends(null, 'SIGKILL')
    await expect(listen).rejects.toThrow('the first worker ended before it could serve anybody: signal SIGKILL')
  })

  test('one that was well is replaced at once, and the log says which it was', async () => {
    const { started, last, clock, log } = await listening()
    await clock.advance(10_000)
    const [, second] = started
    second?.ends(null, 'SIGKILL')
    await clock.advance(0)
    expect(started).toHaveLength(3)
    expect(last().number).toBe(2)
    expect(log.complaints).toEqual([
      {
        level: 'error',
        fields: { worker: 2, process: second?.pid, code: null, signal: 'SIGKILL', wait: 0 },
        message: 'a worker has ended, and another takes its place',
      },
    ])
  })

  test('one that dies at once is waited for, longer each time, and one that was well ends that', async () => {
    const { started, last, clock, log } = await listening()
    const waits: number[] = []
    for (const wait of [1, 2, 4, 8, 16, 30, 30]) {
      const before = started.length
      last().says({ kind: 'failed', message: 'Redis cannot be reached', code: 1 })
      last().ends(1)
      await clock.advance(wait * 1_000 - 1)
      expect(started).toHaveLength(before)
      await clock.advance(1)
      expect(started).toHaveLength(before + 1)
      waits.push(log.complaints.at(-1)?.fields.wait as number)
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30])
    expect(log.complaints.at(-1)?.fields).toMatchObject({ code: 1, reason: 'Redis cannot be reached' })
    await clock.advance(10_000)
    last().ends(1)
    await clock.advance(0)
    expect(log.complaints.at(-1)?.fields.wait).toBe(0)
  })

  test('one that somebody has stopped is replaced, which is no error', async () => {
    const { started, clock, log } = await listening()
    await clock.advance(10_000)
    started[0]?.ends(0)
    await clock.advance(0)
    expect(started).toHaveLength(3)
    expect(log.lines.map(({ level }) => level)).toEqual(['info'])
  })

  test('all are told to stop, and none is replaced any more', async () => {
    const { workers, started, clock } = await listening(3)
    started[2]?.ends(1)
    const close = workers.close()
    expect(started.map(({ heard }) => heard.at(-1)?.kind)).toEqual(['stop', 'stop', 'begin'])
    started[0]?.ends(0)
    started[1]?.ends(0)
    await close
    await clock.advance(60_000)
    expect(started).toHaveLength(3)
    expect(clock.pending).toBe(0)
  })

  test('one that begins while the others stop is told so when it can hear it', async () => {
    const { workers, started, last, clock } = await listening()
    last().ends(1)
    await clock.advance(1_000)
    const close = workers.close()
    last().says({ kind: 'here' })
    expect(last().heard).toEqual([{ kind: 'stop' }, { kind: 'stop' }])
    for (const puppet of started) puppet.ends(0)
    await close
  })

  test('one that does not end well is told after all have ended', async () => {
    const { workers, started } = await listening()
    let isOver = false
    const close = workers.close().finally(() => {
      isOver = true
    })
    started[0]?.ends(1)
    await new Promise(setImmediate)
    expect(isOver).toBe(false)
    started[1]?.ends(0)
    await expect(close).rejects.toThrow('worker 1 ended with status 1')
  })

  test('whoever asks for metrics gets those of all, without one that hangs and one that ends meanwhile', async () => {
    const { started, clock } = await listening(4)
    const [asker, other, hangs, ends] = started as [Puppet, Puppet, Puppet, Puppet]
    asker.says({ kind: 'ask metrics', id: 7 })
    const told = (puppet: Puppet) => puppet.heard.at(-1) as Extract<ToWorker, { kind: 'tell metrics' }>
    for (const puppet of started) expect(told(puppet).kind).toBe('tell metrics')
    asker.says({ kind: 'metrics', id: told(asker).id, text: 'one' })
    other.says({ kind: 'metrics', id: told(other).id, text: 'two' })
    ends.ends(1)
    await clock.advance(metricsTimeout - 1)
    expect(told(asker).kind).toBe('tell metrics')
    await clock.advance(1)
    expect(asker.heard.at(-1)).toEqual({ kind: 'all metrics', id: 7, texts: ['one', 'two'] })
    hangs.says({ kind: 'metrics', id: told(hangs).id, text: 'late' })
  })
})

describe('the options', () => {
  async function refusal(args: string[]): Promise<string> {
    const terminal = testTerminal(args)
    await run(terminal, () => expect.unreachable())
    expect(terminal.exits).toEqual([2])
    return terminal.stderr.text
  }

  test.each(['2', 'auto'])('--workers %s without Redis is one line and exit code 2', async (count) => {
    const got = count === '2' ? 2 : '"auto"'
    expect(await refusal(['--workers', count])).toBe(
      `hookbox: --workers: expected --redis as well, got ${got} without it, as workers share nothing else\n`,
    )
  })

  test('several workers have no memory for --snapshot', async () => {
    expect(await refusal(['--workers', '2', '--snapshot', 'hub.snapshot'])).toBe(
      'hookbox: --workers: expected 1, got 2, as several workers have no memory that --snapshot could put away\n',
    )
  })

  test.each(['0', '257', 'many'])('--workers %s is a mistake', async (count) => {
    expect(await refusal(['--workers', count])).toMatch(
      /^hookbox: --workers: expected a whole number from 1 to 256, or auto, got .*\n$/,
    )
  })

  test('--help says what auto is', async () => {
    const terminal = testTerminal(['--help'])
    await run(terminal, () => expect.unreachable())
    expect(terminal.stdout.text.replace(/\s+/g, ' ')).toContain(
      '--workers N|auto How many processes serve the port together on this machine, each a node of its own; auto starts one for each processor. More than one need --redis. [1]',
    )
  })
})

const script = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const secret = 'c05d9b7713f64f3ea1e2d848'
const adminPassword = 'a password for the console alone'

/** A hub in open mode with workers, as it is built. */
class Hub implements AsyncDisposable {
  readonly #program: Program
  readonly #hanging: number[] = []

  private constructor(program: Program) {
    this.#program = program
  }

  /** Port 0 picks a free one, as long as one of the workers lives. */
  static async start(redis: string, flags: readonly string[] = [], port = 0): Promise<Hub> {
    const prefix = `test-${randomBytes(4).toString('hex')}:`
    const own = [
      '-p',
      `${port}`,
      '-i',
      '127.0.0.1',
      '--open',
      '--redis',
      redis,
      '--redis-prefix',
      prefix,
      '-L',
      'debug',
    ]
    const program = await startProgram({
      name: 'the hub',
      command: process.execPath,
      args: [script, ...own, ...flags],
      env: { HOOKBOX_API_SECURITY_TOKEN: secret },
      ready: async () => true,
    })
    const hub = new Hub(program)
    try {
      await hub.line(({ msg }) => String(msg).startsWith('listening at '))
      return hub
    } catch (error) {
      await hub[Symbol.asyncDispose]()
      throw error
    }
  }

  get lines(): Record<string, unknown>[] {
    return this.#program.output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
  }

  /** The first line that is so, from the given one on. */
  line(isSo: (line: Record<string, unknown>) => boolean, from = 0): Promise<Record<string, unknown>> {
    const find = () => this.lines.slice(from).find(isSo)
    return until(find, 'a line of the log', { instead: () => this.#program.output.slice(-2_000), deadline: 8_000 })
  }

  get overviews(): string[] {
    return this.lines.map(({ msg }) => String(msg)).filter((msg) => msg.startsWith('listening at '))
  }

  get url(): string {
    return /http:\/\/[\d.:]+/.exec(this.overviews[0] ?? '')?.[0] ?? ''
  }

  /** For requests that each have a connection of their own. */
  get asked(): Asked {
    return { address: () => ({ port: Number(new URL(this.url).port) }) as AddressInfo }
  }

  /** Process ids of the workers that have started, the latest of each number. */
  get pids(): Map<unknown, number> {
    const started = this.lines.filter(({ msg }) => msg === 'a worker has started')
    return new Map(started.map(({ worker, pid }) => [worker, Number(pid)]))
  }

  /** At this worker: pages open until one comes to it. */
  async page(worker: number, name: string): Promise<WirePage> {
    for (let tries = 0; tries < 10; tries++) {
      const page = await openWirePage(`${this.url.replace('http', 'ws')}/ws`)
      const { id } = await page.connect({ payload: { name } })
      const opened = await this.line(({ msg, connection }) => msg === 'connection opened' && connection === id)
      if (opened.worker === worker) return page
      await page.close()
    }
    throw new Error(`no page came to worker ${worker}`)
  }

  /** Never by a connection that is there. */
  async get(path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.url}${path}`, {
      headers: { connection: 'close', authorization: `Bearer ${secret}` },
    })
    return { status: response.status, text: await response.text() }
  }

  /** Waits until nobody has its output any more, which the workers write to as well: none is left then. */
  kill(signal: NodeJS.Signals, deadline?: number): Promise<number | null> {
    return this.#program.kill(signal, deadline)
  }

  signal(signal: NodeJS.Signals): void {
    this.#program.signal(signal)
  }

  hang(worker: number): void {
    const pid = this.pids.get(worker) as number
    this.#hanging.push(pid)
    process.kill(pid, 'SIGSTOP')
  }

  /** Workers end with the command, but for one that hangs. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.#hanging) end(pid)
    await this.#program[Symbol.asyncDispose]()
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

describe.skipIf(lacksRedis())('the command', () => {
  const redis = sharedRedis()

  test('two workers are two nodes at one port, and pages at both hear each other', async () => {
    await using hub = await Hub.start(redis().url, ['--workers', '2'])
    expect(hub.overviews).toEqual([`listening at ${hub.url}, with 2 workers`])
    expect([...hub.pids.keys()].sort()).toEqual([1, 2])
    const nodes = new Set<string>()
    await until(async () => {
      const { text } = await hub.get('/rest/get_server_info')
      const [, { node, nodes: all }] = JSON.parse(text)
      expect(all).toHaveLength(2)
      nodes.add(node)
      return nodes.size === 2 || undefined
    }, 'an answer of each node')
    for (let times = 0; times < 2; times++) {
      expect((await hub.get('/ready')).status).toBe(200)
      expect((await hub.get('/health')).status).toBe(200)
    }

    await using ann = await hub.page(1, 'ann')
    await using bob = await hub.page(2, 'bob')
    for (const page of [ann, bob]) await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 'of ann' })
    await bob.next('PUBLISH', ({ payload }) => payload === 'of ann')
    await bob.ask('PUBLISH', { channel_name: 'chat', payload: 'of bob' })
    await ann.next('PUBLISH', ({ payload }) => payload === 'of bob')
  }, 30_000)

  test('a page without WebSocket is led to either with each request', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hookbox-workers-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'access.log')
    await using hub = await Hub.start(redis().url, ['--workers', '2', '-A', file])
    const stream = read(hub.asked)
    const session = await sessionOf(stream)
    const says = async (seq: number, frame: unknown[]) =>
      expect((await post(hub.asked, { session, seq }, JSON.stringify(frame))).status).toBe(204)
    await says(1, [1, 'CONNECT', { payload: { name: 'ann' } }])
    await says(2, [2, 'SUBSCRIBE', { channel_name: 'chat' }])
    for (let seq = 3; seq < 9; seq++) await says(seq, [seq, 'PUBLISH', { channel_name: 'chat', payload: seq }])
    await until(() => stream.text.includes('[8,"RESULT"') || undefined, 'the last answer', {
      instead: () => stream.text,
    })
    stream.request.destroy()
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    const posts = lines.map((line) => JSON.parse(line)).filter(({ path }) => path === '/stream/send')
    expect(new Set(posts.map(({ worker }) => worker))).toEqual(new Set([1, 2]))
  }, 30_000)

  test('/metrics tells of all workers, whichever was asked', async () => {
    await using hub = await Hub.start(redis().url, ['--workers', '2'])
    await using _ann = await hub.page(1, 'ann')
    await using _bob = await hub.page(2, 'bob')
    const expected = [1, 2].flatMap((worker) => [
      `hookbox_info{version="${version}",worker="${worker}"} 1`,
      `hookbox_connections{transport="websocket",worker="${worker}"} 1`,
    ])
    for (let times = 0; times < 2; times++) {
      const { status, text } = await hub.get('/metrics')
      expect(status).toBe(200)
      const lines = text.split('\n')
      for (const line of expected) expect(lines).toContain(line)
      const described = lines.filter((line) => line.startsWith('# TYPE '))
      expect(new Set(described).size).toBe(described.length)
      const at = lines.indexOf('# TYPE hookbox_users gauge')
      expect(lines.slice(at + 1, at + 4)).toEqual(['hookbox_users{worker="1"} 1', 'hookbox_users{worker="2"} 1', ''])
    }
  }, 30_000)

  test('the console knows at either who has signed in, and shows both', async () => {
    await using hub = await Hub.start(redis().url, ['--workers', '2', '--admin-password', adminPassword])
    const operator = new Operator(hub.url)
    operator.headers = { ...operator.headers, connection: 'close' }
    expect(await operator.signIn(adminPassword)).toMatchObject({ status: 200 })
    for (let times = 0; times < 4; times++)
      expect((await operator.get('session')).body).toMatchObject({ signedIn: true })
    const feed = await operator.feed({ name: 'webhooks' })
    await feed.next('figures', ({ figures }) => figures.nodes.length === 2)
    feed.end()
  }, 30_000)

  test('a worker that is killed is replaced, and the service goes on', async () => {
    await using hub = await Hub.start(redis().url, ['--workers', '2'])
    await using ann = await hub.page(1, 'ann')
    await using bob = await hub.page(2, 'bob')
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    const before = hub.lines.length
    const killed = hub.pids.get(2) as number
    process.kill(killed, 'SIGKILL')
    expect((await bob.closed).code).toBe(1006)
    const fields = { level: 'error', worker: 2, process: killed, signal: 'SIGKILL' }
    expect(await hub.line(({ msg }) => String(msg).startsWith('a worker has ended'), before)).toMatchObject(fields)
    expect((await hub.get('/health')).status).toBe(200)
    await hub.line(({ msg }) => msg === 'a worker has started', before)
    expect(hub.pids.get(2)).not.toBe(killed)
    await using cyd = await hub.page(2, 'cyd')
    await cyd.ask('SUBSCRIBE', { channel_name: 'chat' })
    await cyd.ask('PUBLISH', { channel_name: 'chat', payload: 'here again' })
    await ann.next('PUBLISH', ({ payload }) => payload === 'here again')
  }, 30_000)

  test('whoever comes as all workers die is not left waiting, and the next ones serve the same port', async () => {
    await using hub = await Hub.start(redis().url, ['--workers', '2'], await freePort())
    for (const pid of hub.pids.values()) process.kill(pid, 'SIGKILL')
    // In this very turn, before the command can know.
    const asked = Array.from({ length: 8 }, () => raw(hub.asked, 'GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n'))
    expect(await Promise.all(asked)).toEqual(asked.map(() => ''))
    await until(async () => (await hub.get('/health')).status === 200 || undefined, 'an answer at the same port')
  }, 30_000)

  test('SIGTERM closes the lines at all workers with 4503, ends with 0 and leaves no process', async () => {
    await using hub = await Hub.start(redis().url, ['--workers', '2', '--drain', '0.2'])
    await using ann = await hub.page(1, 'ann')
    await using bob = await hub.page(2, 'bob')
    expect(await hub.kill('SIGTERM', 9_000)).toBe(0)
    expect(await Promise.all([ann.closed, bob.closed])).toMatchObject([{ code: 4503 }, { code: 4503 }])
  }, 30_000)

  test('Ctrl-C, which all processes hear, is the same', async () => {
    await using hub = await Hub.start(redis().url, ['--workers', '2', '--drain', '0.2'])
    await using ann = await hub.page(1, 'ann')
    const ended = hub.kill('SIGINT', 9_000)
    for (const pid of hub.pids.values()) process.kill(pid, 'SIGINT')
    expect(await ended).toBe(0)
    expect((await ann.closed).code).toBe(4503)
    expect(hub.lines.filter(({ msg }) => String(msg).startsWith('a worker has ended'))).toEqual([])
  }, 30_000)

  test('a second signal ends all at once, one that hangs too', async () => {
    await using hub = await Hub.start(redis().url, ['--workers', '2', '--drain', '60'])
    // They end with the hub, and not all within the first moment.
    for (let count = 0; count < 3; count++) await hub.page(1, `user-${count}`)
    hub.hang(2)
    hub.signal('SIGTERM')
    await hub.line(({ msg, worker }) => msg === 'stopping' && worker === 1)
    expect(await hub.kill('SIGTERM')).toBe(1)
  }, 30_000)

  test('no worker outlives a command that was killed', async () => {
    await using hub = await Hub.start(redis().url, ['--workers', '2'])
    expect(await hub.kill('SIGKILL')).toBe(null)
  }, 30_000)

  async function failure(flags: readonly string[], start: readonly string[] = [script]): Promise<string> {
    const started = startProgram({
      name: 'the hub',
      command: process.execPath,
      args: [...start, '-i', '127.0.0.1', ...flags, '--workers', '2'],
      ready: async () => undefined,
    })
    return await started.then(
      async (program) => {
        await program[Symbol.asyncDispose]()
        throw new Error('it has started')
      },
      (error: Error) => error.message,
    )
  }

  test('a port that is taken is said once, with the exit code of a single process', async () => {
    await using held = createServer()
    held.listen(0, '127.0.0.1')
    await once(held, 'listening')
    const { port } = held.address() as AddressInfo
    expect(await failure(['-p', `${port}`, '--redis', redis().url])).toBe(
      `the hub ended with 1: hookbox: port ${port} of 127.0.0.1 is taken; choose another one with --port\n`,
    )
  }, 30_000)

  test('a worker of another program, as process managers make one, has no workers', async () => {
    const manager = `
      const cluster = require('node:cluster')
      cluster.setupPrimary({ exec: ${JSON.stringify(script)}, args: process.argv.slice(1), execArgv: [] })
      cluster.fork().on('exit', (code) => process.exit(code))
    `
    expect(await failure(['-p', '0', '--redis', redis().url], ['-e', manager, '--'])).toBe(
      'the hub ended with 2: hookbox: workers: expected 1, as this process is a worker of another program, which shares its ports\n',
    )
  }, 30_000)

  test('what only a hub finds wrong with the configuration is said once, too', async () => {
    expect(await failure(['-p', '0', '--redis', 'redis://one', '--redis', 'redis+cluster://two'])).toBe(
      'the hub ended with 2: hookbox: Redis: expected one cluster and nothing besides, or no cluster\n',
    )
  }, 30_000)
})
