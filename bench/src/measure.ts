import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { availableParallelism } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort, programPath } from '@hookbox/testkit'
import { startApplication } from './application.ts'
import { type Peer, type PeerName, peers } from './peers.ts'
import type { Measurement } from './results.ts'
import { type Row, type RowName, rows } from './rows.ts'

export interface Times {
  /** Seconds. */
  readonly warmup: number
  readonly duration: number
}

/** Milliseconds until a server must listen, and after that until it is left alone. */
const starting = 10_000
const settling = 300

/** Measures one thing with one server, started for it alone. What goes wrong is told as such. */
export async function measure(generator: string, peer: PeerName, row: RowName, times: Times): Promise<Measurement> {
  const began = { peer, row, at: new Date().toISOString() }
  const { protocol }: Peer = peers[peer]
  const { load, presence }: Row = rows[row]
  let server: Server | undefined
  try {
    server = await startServer(peer, presence)
    const given = ['--proto', protocol, '--port', `${server.port}`, '--pid', `${server.pid}`]
    const lengths = ['--warmup', `${times.warmup}`, '--duration', `${times.duration}`]
    const output = await finished(start(1, [generator, ...given, ...lengths, ...load]))
    return { ...began, ...readOutput(output) }
  } catch (error) {
    return { ...began, error: inWords(error, server?.output()) }
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
export async function startServer(peer: PeerName, presence: boolean): Promise<Server> {
  const { command, env }: Peer = peers[peer]
  const application = await startApplication(presence)
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
  const timer = setTimeout(() => generator.child.kill('SIGKILL'), 120_000)
  await generator.ended
  clearTimeout(timer)
  return generator.output()
}

async function end({ child, ended }: Running): Promise<void> {
  child.kill('SIGKILL')
  await ended
}
