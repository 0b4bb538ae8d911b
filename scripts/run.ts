import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('..', import.meta.url))

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Keeps what it writes instead of showing it. */
  readonly quiet?: boolean
  /** Milliseconds after which it is ended, so that nothing hangs for ever. */
  readonly deadline?: number
}

export interface Run {
  /** Null where a signal ended it, or it could not be started. */
  readonly exitCode: number | null
  /** What it wrote, where it was quiet; then why it has no exit code. */
  readonly output: string
}

const quarterOfAnHour = 900_000

/** Milliseconds for who is asked to end, which may have to end others. */
const grace = 5_000

/** Runs a command to its end. Never throws. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const { cwd = root, env, quiet = false, deadline = quarterOfAnHour } = options
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      // What npm puts among the commands is for a shell there; a path may have blanks.
      shell: process.platform === 'win32' && command !== process.execPath,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    let isOver = false
    const end = (exitCode: number | null, why?: string) => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      if (why !== undefined && !quiet) console.error(`${command}: ${why}`)
      resolve({ exitCode, output: why === undefined ? output : `${output}${why}\n` })
    }
    let timer = setTimeout(() => {
      // What it has started may hold its output open for longer: nobody waits for that.
      const stop = () => {
        child.stdout?.destroy()
        child.stderr?.destroy()
        end(null, `ended, as it took longer than ${deadline / 1_000} s`)
      }
      if (child.exitCode !== null || child.signalCode !== null) return stop()
      child.once('exit', stop)
      child.kill()
      timer = setTimeout(() => child.kill('SIGKILL'), grace)
    }, deadline)
    child.once('error', (error) => end(null, error.message))
    child.once('close', (exitCode, signal) => end(exitCode, signal === null ? undefined : `ended by ${signal}`))
  })
}

/** A command that a package of the workspace has installed. */
export function bin(name: string, folder = ''): string {
  return join(root, folder, 'node_modules', '.bin', name)
}

/** The pnpm that runs this script, as there need be none on the PATH. */
export function pnpm(args: readonly string[], options?: RunOptions): Promise<Run> {
  const own = process.env.npm_execpath
  if (own?.includes('pnpm')) return run(process.execPath, [own, ...args], options)
  return run('npx', ['-y', 'pnpm@10', ...args], options)
}
