import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { availableParallelism } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort, programPath, type Redis, startRedis } from '@hookbox/testkit'
import { type ChannelOptions, startApplication } from './application.ts'
import { type Peer, type PeerName, peers } from './peers.ts'
import type { Measurement } from './results.ts'
import { type Row, type RowName, rows } from './rows.ts'

export interface Times {
  /** Seconds. */
  readonly warmup: number
  readonly duration: number
}

/** What a server finds. */
export interface Surroundings {
  readonly channel: ChannelOptions
  /** A Redis of its own. */
  readonly redis?: boolean
}

/** What the generator does, in channels of which kind. */
export interface Load extends Surroundings {
  readonly load: readonly string[]
  /** Of what makes its load by itself: how much it has in flight. */
  readonly inFlight?: number | undefined
}

/** `apart`: the server has the first processor, and all else the second; `anywhere`: as the system puts them. */
export type Placing = 'apart' | 'anywhere'

/** What the generator told, or why there is no number. */
export interface Told {
  readonly error?: string | undefined
  readonly [figure: string]: number | string | undefined
}

/** Milliseconds until a server must listen, after that until it is left alone, and until the generator is given up. */
const starting = 10_000
const settling = 300
const loading = 300_000

/** Measures one thing with one server. */
export async function measure(
  generator: string,
  peer: PeerName,
  row: RowName,
  times: Times,
  placing: Placing = 'apart',
): Promise<Measurement> {
  const began = { peer, row, at: new Date().toISOString() }
  const { load, presence, redis, moderated, beneath }: Row = rows[row]
  const channel = { history_size: 50, presenceful: presence, moderated_publish: moderated ?? false }
  const asked = { load, channel, redis: redis ?? false, inFlight: beneath?.inFlight }
  return { ...began, ...(await put(generator, peers[peer], asked, times, placing)) }
}

/** Puts a server, started for it alone, under load. What goes wrong is told as such. */
export async function put(
  generator: string,
  peer: Peer,
  load: Load,
  { warmup, duration }: Times,
  placing: Placing = 'apart',
): Promise<Told> {
  const lengths = ['--warmup', `${warmup}`, '--duration', `${duration}`]
  let server: Server | undefined
  try {
    if (peer.protocol === 'none') return await putItself(peer, load, lengths, placing)
    server = await startServer(peer, load, placing)
    const given = ['--proto', peer.protocol, '--port', `${server.port}`, '--pid', processesOf(server.pid).join(',')]
    const redis = server.redis === undefined ? [] : ['--redis-pid', `${server.redis}`]
    return readOutput(await finished(start(1, placing, [generator, ...given, ...redis, ...lengths, ...load.load])))
  } catch (error) {
    return { error: inWords(error, server?.output()) }
  } finally {
    await server?.end()
  }
}

/** What is no server has the place of one. */
async function putItself(
  { command }: Peer,
  load: Load,
  lengths: readonly string[],
  placing: Placing,
): Promise<Record<string, number | string>> {
  const around = await surround(load, placing)
  try {
    const all = [...command({ port: 0, ...around }), '--in-flight', `${load.inFlight}`, ...lengths]
    return readOutput(await finished(start(0, placing, all)))
  } finally {
    await around.end()
  }
}

/** A server that can be used, with what it found. */
export interface Server {
  readonly port: number
  readonly pid: number
  /** The process of its Redis. */
  readonly redis: number | undefined
  readonly output: () => string
  end(): Promise<void>
}

/** @throws Error where it cannot be used in time */
export async function startServer(peer: Peer, surroundings: Surroundings, placing: Placing = 'apart'): Promise<Server> {
  const { command, env, says, redis = surroundings.redis ?? false } = peer
  const around = await surround({ ...surroundings, redis }, placing)
  const port = await freePort()
  const server = start(0, placing, command({ port, ...around }), env)
  const close = async () => {
    await end(server)
    await around.end()
  }
  try {
    await ready(server, port, says)
    await pause(settling)
  } catch (error) {
    await close()
    throw new Error(inWords(error, server.output()))
  }
  return { port, pid: server.child.pid ?? 0, redis: around.redisPid, output: server.output, end: close }
}

interface Around {
  /** The port of the web application. */
  readonly application: number
  readonly redis: string | undefined
  readonly redisPid: number | undefined
  end(): Promise<void>
}

/** A web application, which is in this process, for whoever asks one; a Redis for whoever takes one. */
async function surround({ channel, redis: wanted = false }: Surroundings, placing: Placing): Promise<Around> {
  const redis: Redis | undefined = wanted ? await startRedis() : undefined
  if (placing === 'apart') for (const pid of [process.pid, redis?.pid]) move(pid, 1)
  const application = await startApplication(channel)
  return {
    application: application.port,
    redis: redis?.url,
    redisPid: redis?.pid,
    async end() {
      application.close()
      await redis?.[Symbol.asyncDispose]()
    },
  }
}

/** A process, and those that it has started, as /proc tells (proc(5)). */
export function processesOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(processesOf)]
  } catch {
    return [pid] // Its kernel does not tell, or it has ended meanwhile.
  }
}

/** With the last that the server said. */
function inWords(error: unknown, output = ''): string {
  const said = output.trim().split('\n').at(-1)?.slice(0, 200)
  return `${error instanceof Error ? error.message : String(error)}${said ? `; ${said}` : ''}`
}

/** @throws Error where it is no object */
export function readOutput(output: string): Record<string, number | string> {
  try {
    const value: unknown = JSON.parse(output)
    if (typeof value === 'object' && value !== null) return value as Record<string, number | string>
  } catch {
    // Said below.
  }
  throw new Error(`the generator said nothing of use: ${output.trim().slice(0, 200) || 'nothing'}`)
}

interface Running {
  readonly child: ChildProcess
  readonly output: () => string
  readonly ended: Promise<void>
}

/** Ended with this process, also where it is broken off. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Where there are enough processors for one each, and they can be chosen. */
const canChoose = process.platform === 'linux' && availableParallelism() > 1

function start(
  processor: number,
  placing: Placing,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const pinned = canChoose && placing === 'apart'
  const [program = '', ...args] = pinned ? ['taskset', '-c', `${processor}`, ...command] : command
  const child = spawn(program, args, { env: { PATH: programPath(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      if (output.length < 10_000) output += bytes
    })
  }
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', (error) => {
      output += error.message
      resolve()
    })
  }).finally(() => running.delete(child))
  return { child, output: () => output, ended }
}

/** Moves a process that runs already, with all its threads. */
function move(pid: number | undefined, processor: number): void {
  if (canChoose && pid !== undefined) spawnSync('taskset', ['-a', '-c', '-p', `${processor}`, `${pid}`])
}

async function ready({ child, output }: Running, port: number, says = ''): Promise<void> {
  for (const end = Date.now() + starting; Date.now() < end; await pause(50)) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
    if (output().includes(says) && (await answers(port))) return
  }
  throw new Error('the server does not listen')
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function finished(generator: Running): Promise<string> {
  const timer = setTimeout(() => generator.child.kill('SIGKILL'), loading)
  await generator.ended
  clearTimeout(timer)
  return generator.output()
}

async function end({ child, ended }: Running): Promise<void> {
  child.kill('SIGKILL')
  await ended
}
