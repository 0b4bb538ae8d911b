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
  /** What it wrote, where it was quiet, and why it has no exit code. */
  readonly output: string
}

const quarterOfAnHour = 900_000

/** Runs a command to its end. Never throws. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const { cwd = root, env, quiet = false, deadline = quarterOfAnHour } = options
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    })
    let output = ''
    const collect = (bytes: Buffer) => {
      output += bytes
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    const end = (exitCode: number | null, more = '') => {
      clearTimeout(timer)
      resolve({ exitCode, output: output + more })
    }
    // What it has started may hold its output open for longer: nobody waits for that.
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      child.stdout?.destroy()
      child.stderr?.destroy()
      end(null, `ended, as it took longer than ${deadline / 1_000} s\n`)
    }, deadline)
    child.once('error', (error) => end(null, `${error.message}\n`))
    child.once('close', (exitCode) => end(exitCode))
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
