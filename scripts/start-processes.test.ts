import { afterEach, expect, test, vi } from 'vitest'
import { Processes, type Service } from './start-processes.ts'

/** Until it is ended. */
const service = (name: string, of?: string): Service => ({
  name,
  args: ['-e', 'setInterval(() => {}, 1000)'],
  ...(of && { of }),
})

let processes: Processes | undefined
afterEach(() => processes?.stop())

function start(services: Service[]) {
  const onDeath = vi.fn()
  processes = new Processes(onDeath)
  for (const one of services) processes.start(one)
  return { processes, onDeath }
}

function kill(started: Processes, one: Service): void {
  process.kill(started.pidOf(one) ?? 0, 'SIGKILL')
}

test('the end of one program is the end of all', async () => {
  const one = service('The chat')
  const { processes, onDeath } = start([one])
  kill(processes, one)
  await vi.waitFor(() => expect(onDeath).toHaveBeenCalledWith('The chat stopped (SIGKILL).'))
})

test('where another one stands for it, its end is told and the others go on', async () => {
  const said = vi.spyOn(console, 'log').mockReturnValue()
  const [first, second] = [service('Node 1', 'chat'), service('Node 2', 'chat')]
  const { processes, onDeath } = start([first, second, service('Node 3', 'graph')])
  await processes.ready(0)
  kill(processes, first)
  await vi.waitFor(() => expect(said).toHaveBeenCalledWith('Node 1 stopped (SIGKILL). Node 2 goes on.'))
  expect(onDeath).not.toHaveBeenCalled()
  kill(processes, second)
  await vi.waitFor(() => expect(onDeath).toHaveBeenCalledWith('Node 2 stopped (SIGKILL).'))
})

test('before all were ready, nobody stands for anybody', async () => {
  const [first, second] = [service('Node 1', 'chat'), service('Node 2', 'chat')]
  const { processes, onDeath } = start([first, second])
  kill(processes, first)
  await vi.waitFor(() => expect(onDeath).toHaveBeenCalledWith('Node 1 stopped (SIGKILL).'))
})
