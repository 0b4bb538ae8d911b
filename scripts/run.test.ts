import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test, vi } from 'vitest'
import { run } from './run.ts'

afterEach(() => {
  vi.useRealTimers()
})

/** Holds what it was given as output, tells its process id, and ends by itself after a while. */
const survivor = `
  require('node:net').connect(process.env.PORT, '127.0.0.1').end(String(process.pid))
  setTimeout(() => {}, 20_000)
`

/** Starts the survivor, and waits for it. */
const program = `
  require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(survivor)}], { stdio: 'inherit' })
`

/** `then` is called once the survivor runs that the program has started, and must leave it running. */
async function whileItRuns(source: string, then: (running: ReturnType<typeof run>) => Promise<void>): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const env = { PORT: String((server.address() as AddressInfo).port) }
  const running = run(process.execPath, ['-e', source], { quiet: true, deadline: 60_000, env })
  const [socket] = (await once(server, 'connection')) as [Socket]
  const pid = Number(await text(socket))
  try {
    await then(running)
    expect(process.kill(pid, 0)).toBe(true)
  } finally {
    process.kill(pid, 'SIGKILL')
    server.close()
  }
}

test('what takes too long is asked to end and says so, though something that it started goes on', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  await whileItRuns(program, async (running) => {
    vi.advanceTimersByTime(60_000)
    expect(await running).toEqual({ exitCode: null, output: 'ended, as it took longer than 60 s\n' })
  })
})

test('what does not end when it is asked to is ended all the same', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  await whileItRuns(`process.on('SIGTERM', () => {})\n${program}`, async (running) => {
    vi.advanceTimersByTime(65_000)
    expect(await running).toEqual({ exitCode: null, output: 'ended, as it took longer than 60 s\n' })
  })
})

test('what has ended is not waited for beyond its time, though something that it started holds its output', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  await whileItRuns(`${program}\nprocess.exit()`, async (running) => {
    vi.advanceTimersByTime(60_000)
    expect(await running).toEqual({ exitCode: null, output: 'ended, as it took longer than 60 s\n' })
  })
})

test('what a signal ends says which', async () => {
  const source = "console.log('begun'); process.kill(process.pid, 'SIGKILL')"
  expect(await run(process.execPath, ['-e', source], { quiet: true })).toEqual({
    exitCode: null,
    output: 'begun\nended by SIGKILL\n',
  })
})

test('a command that is not there is told with what it was', async () => {
  expect(await run('made-up-command', [], { quiet: true })).toEqual({
    exitCode: null,
    output: 'spawn made-up-command ENOENT\n',
  })
})

test('where all that a command writes is shown, so is why it has no exit code, once', async () => {
  const shown = vi.spyOn(console, 'error').mockImplementation(() => {})
  await run('made-up-command', [])
  await run(process.execPath, ['-e', 'setTimeout(() => {}, 20_000)'], { deadline: 10 })
  expect(shown.mock.calls).toEqual([
    ['made-up-command: spawn made-up-command ENOENT'],
    [`${process.execPath}: ended, as it took longer than 0.01 s`],
  ])
})
