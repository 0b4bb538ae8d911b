import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { availableParallelism } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort, programPath } from '@hookbox/testkit'
import { type ChannelOptions, startApplication } from './application.ts'
import { type Peer, type PeerName, peers } from './peers.ts'
import type { Measurement } from './results.ts'
import { type Row, type RowName, rows } from './rows.ts'

export interface Times {
  /** Seconds. */
  readonly warmup: number
  readonly duration: number
}

/** What the generator does, in channels of which kind. */
export interface Load {
  readonly load: readonly string[]
  readonly channel: ChannelOptions
}

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
export async function measure(generator: string, peer: PeerName, row: RowName, times: Times): Promise<Measurement> {
  const began = { peer, row, at: new Date().toISOString() }
  const { load, presence }: Row = rows[row]
  const channel = { history_size: 50, presenceful: presence }
  return { ...began, ...(await put(generator, peers[peer], { load, channel }, times)) }
}

/** Puts a server, started for it alone, under load. What goes wrong is told as such. */
export async function put(generator: string, peer: Peer, { load, channel }: Load, times: Times): Promise<Told> {
  let server: Server | undefined
  try {
    server = await startServer(peer, channel)
    const given = ['--proto', peer.protocol, '--port', `${server.port}`, '--pid', `${server.pid}`]
    const lengths = ['--warmup', `${times.warmup}`, '--duration', `${times.duration}`]
    return readOutput(await finished(start(1, [generator, ...given, ...lengths, ...load])))
  } catch (error) {
    return { error: inWords(error, server?.output()) }
  } finally {
    await server?.end()
  }
}

/** A server that listens, with a web application for whoever asks one. */
export interface Server {
  readonly port: number
  readonly pid: number
  readonly output: () => string
  end(): Promise<void>
}

/** @throws Error where it does not listen in time */
export async function startServer({ command, env }: Peer, channel: ChannelOptions): Promise<Server> {
  const application = await startApplication(channel)
  const port = await freePort()
  const server = start(0, command({ port, application: application.port }), env)
  const close = async () => {
    await end(server)
    application.close()
  }
  try {
    await listening(server, port)
    await pause(settling)
  } catch (error) {
    await close()
    throw new Error(inWords(error, server.output()))
  }
  return { port, pid: server.child.pid ?? 0, output: server.output, end: close }
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

/** On a processor of its own, where there are enough of them and they can be chosen. */
function start(processor: number, command: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const pinned = process.platform === 'linux' && availableParallelism() > 1
  const [program = '', ...args] = pinned ? ['taskset', '-c', `${processor}`, ...command] : command
  const child = spawn(program, args, { env: { PATH: programPath(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
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
  })
  return { child, output: () => output, ended }
}

async function listening({ child }: Running, port: number): Promise<void> {
  for (const end = Date.now() + starting; Date.now() < end; await pause(50)) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
    if (await answers(port)) return
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
