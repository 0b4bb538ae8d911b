import { cpus, release, totalmem } from 'node:os'
import { run } from '../../scripts/run.ts'

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

async function commit(): Promise<string> {
  const head = await run('git', ['rev-parse', '--short', 'HEAD'], { quiet: true })
  if (head.exitCode !== 0) return 'unknown'
  const changes = await run('git', ['status', '--porcelain', '--untracked-files=no'], { quiet: true })
  return `${head.output.trim()}${changes.output.trim() === '' ? '' : ' with changes'}`
}
