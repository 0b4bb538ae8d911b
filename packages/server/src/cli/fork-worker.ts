import cluster, { type Worker } from 'node:cluster'
import { ConfigError } from '../config/options.ts'
import { ignore } from '../requests.ts'
import { workerVariable } from './worker-messages.ts'
import type { WorkerProcess } from './workers.ts'

/** Whether this process is a worker of the command, and not of a program that started it as one of its own. */
export function isWorker(): boolean {
  return cluster.isWorker && process.env[workerVariable] !== undefined
}

/**
 * Starts the process of a worker. All of them listen at the ports of this one, which hands them connections in turn, and end
 * with it.
 *
 * @throws ConfigError where another program has started this process so
 */
export function forkWorker(number: number): WorkerProcess {
  if (!cluster.isPrimary) {
    throw new ConfigError('workers: expected 1, as this process is a worker of another program, which shares its ports')
  }
  if (!process.listeners('exit').includes(killAll)) process.once('exit', killAll)
  const worker = cluster.fork({ [workerVariable]: String(number) })
  endForgotten(worker)
  return {
    pid: worker.process.pid,
    send(message) {
      // What is said to one that is about to end is heard by nobody.
      if (worker.isConnected()) worker.send(message, ignore)
    },
    onMessage: (hear) => void worker.on('message', hear),
    onEnd(hear) {
      worker.once('exit', hear)
      worker.on('error', (err) => {
        if (worker.process.pid === undefined) hear(null, null, err)
      })
    },
  }
}

/** What Node sends to a worker with each new connection. */
interface Handing {
  readonly act?: unknown
  /** Of the port. */
  readonly key: unknown
}

/**
 * Node forgets a connection that it hands to a process which has died just then: nobody would ever answer or end it. It hands a
 * worker one at a time for each port.
 */
function endForgotten(worker: Worker): void {
  const handed = new Map<unknown, { close(): void }>()
  const { process } = worker
  const send = process.send.bind(process) as (...args: unknown[]) => boolean
  process.send = (message: unknown, ...rest: unknown[]) => {
    const { act, key } = message as Handing
    if (act === 'newconn') handed.set(key, rest[0] as { close(): void })
    return send(message, ...rest)
  }
  const end = () => {
    // Those that the worker took are closed on this side already, for which this does nothing.
    for (const connection of handed.values()) connection.close()
    handed.clear()
  }
  worker.on('exit', end).on('disconnect', end)
}

/** A worker that hangs would not notice that it is alone. */
function killAll(): void {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL')
}
