import { readFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { run } from '../../scripts/run.ts'
import { type Peer, type PeerName, peers } from './peers.ts'

/** What the numbers are of: machine, versions, commit. */
export async function machine(): Promise<string> {
  const [cpu] = cpus()
  const parts = [
    `${cpus().length} × ${cpu?.model.trim() || 'unknown processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${release()}`,
    `Node ${process.versions.node}`,
    `commit ${await commit()}`,
  ]
  return parts.join(', ')
}

/** What is measured beside us, of which version, and the Redis that is used; empty where that is nothing with one. */
export async function versions(names: readonly PeerName[], withRedis = false): Promise<string> {
  const told = await Promise.all(
    names.map(async (name) => {
      const { versionOf }: Peer = peers[name]
      return versionOf === undefined ? [] : [`${name} ${await version(versionOf)}`]
    }),
  )
  return [...told.flat(), ...(withRedis ? [await redisVersion()] : [])].join(', ')
}

async function redisVersion(): Promise<string> {
  const { output } = await run('redis-server', ['--version'], { quiet: true })
  return `Redis ${/v=(\S+)/.exec(output)?.[1] ?? 'of unknown version'}`
}

async function version(of: string): Promise<string> {
  if (of.endsWith('package.json')) return (JSON.parse(await readFile(of, 'utf8')) as { version: string }).version
  const asked = await run('dpkg-query', ['--show', of], { quiet: true })
  const [, found = 'of unknown version'] = asked.exitCode === 0 ? asked.output.trim().split('\t') : []
  return found
}

async function commit(): Promise<string> {
  const head = await run('git', ['rev-parse', '--short', 'HEAD'], { quiet: true })
  if (head.exitCode !== 0) return 'unknown'
  const changes = await run('git', ['status', '--porcelain', '--untracked-files=no'], { quiet: true })
  return `${head.output.trim()}${changes.output.trim() === '' ? '' : ' with changes'}`
}
