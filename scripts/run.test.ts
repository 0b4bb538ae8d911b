import { expect, test } from 'vitest'
import { run } from './run.ts'

/** It holds what it was given as output for a little longer than the one that started it is there. */
const survivor = 'const first = process.ppid; setInterval(() => first !== process.ppid && process.exit(), 100)'

const program = `
  require('node:child_process').spawn(process.execPath, ['-e', '${survivor}'], { stdio: 'inherit' })
  process.on('SIGTERM', () => {})
`

test('what takes too long is ended and says so, though something that it started goes on', async () => {
  expect(await run(process.execPath, ['-e', program], { quiet: true, deadline: 500 })).toEqual({
    exitCode: null,
    output: 'ended, as it took longer than 0.5 s\n',
  })
})

test('a command that is not there is told with what it was', async () => {
  expect(await run('made-up-command', [], { quiet: true })).toEqual({
    exitCode: null,
    output: 'spawn made-up-command ENOENT\n',
  })
})
