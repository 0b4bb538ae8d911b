import { readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { run } from './run.ts'

/** Whether this is Debian, or made of it, and nobody has to be asked for a password. */
export function hasApt(): boolean {
  return process.getuid?.() === 0 && isDebian()
}

/** Installs packages of Debian where that is possible; what came of it is for the caller to see. No service of theirs is left running. */
export async function installByApt(packages: readonly string[], services: readonly string[] = []): Promise<void> {
  if (!hasApt()) return
  console.log(`installing the packages ${packages.join(' and ')} …`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update'], { env, quiet: true })
  await withoutServices(() =>
    run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env, quiet: true }),
  )
  // Nor at the next start of the machine. Containers have no systemd, and start nothing by themselves.
  for (const service of services) await run('systemctl', ['disable', '--now', service], { quiet: true })
}

/** What Debian asks before it starts a service that was just installed; in containers it is there already, and says no. */
const policy = '/usr/sbin/policy-rc.d'
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

async function withoutServices(install: () => Promise<unknown>): Promise<void> {
  try {
    await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
  } catch {
    await install() // The machine has a policy of its own, which is not ours to change.
    return
  }
  const lift = () => rmSync(policy, { force: true })
  // Were it left behind, nothing installed later would ever start.
  const leave = () => {
    lift()
    process.exit(1)
  }
  for (const signal of signals) process.once(signal, leave)
  try {
    await install()
  } finally {
    lift()
    for (const signal of signals) process.off(signal, leave)
  }
}

function isDebian(): boolean {
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false // No such file: no Linux.
  }
}
