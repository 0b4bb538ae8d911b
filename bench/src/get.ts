import { installByApt } from '../../scripts/apt.ts'
import { run } from '../../scripts/run.ts'
import { folder, isInstalled, type Peer, type PeerName, peers } from './peers.ts'

/** Gets what is missing of these, where that is possible. What came of it shows when they are started. */
export async function get(names: readonly PeerName[]): Promise<void> {
  const missing = names.map((name): Peer => peers[name]).filter((peer) => !isInstalled(peer))
  const npm = missing.flatMap((peer) => peer.npm ?? [])
  if (npm.length > 0) {
    const args = ['install', '--prefix', folder, '--no-save', '--no-package-lock', '--no-audit', '--no-fund', ...npm]
    await run('npm', args, { cwd: folder, quiet: true })
  }
  const debian = missing.flatMap((peer) => peer.debian ?? [])
  if (debian.length > 0) await installByApt(debian, ['nginx', 'nats-server'])
  for (const { build, env = {} } of missing) {
    const [command, ...args] = build ?? []
    if (command !== undefined) await run(command, args, { cwd: folder, env, quiet: true })
  }
}
