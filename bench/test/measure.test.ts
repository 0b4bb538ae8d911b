import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { processesOf } from '../src/measure.ts'

test.runIf(process.platform === 'linux')(
  'the processes of a server are those that it has started, and those of theirs',
  async () => {
    const inner = 'setInterval(() => {}, 1_000); console.log(process.pid)'
    const outer = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { stdio: 'inherit' })`
    const child = spawn(process.execPath, ['-e', outer], { stdio: ['ignore', 'pipe', 'ignore'] })
    const grandchild = await new Promise<number>((resolve) =>
      child.stdout.once('data', (text) => resolve(Number(text))),
    )
    try {
      expect(processesOf(child.pid ?? 0)).toEqual([child.pid, grandchild])
    } finally {
      process.kill(grandchild, 'SIGKILL')
      child.kill('SIGKILL')
    }
  },
)

test('a process that has ended has no others', () => {
  expect(processesOf(2 ** 30)).toEqual([2 ** 30])
})
