import { expect, test } from 'vitest'
import { Serial } from '../src/serial.ts'

test('tasks run one after another, in the order they came, also after one that failed', async () => {
  const serial = new Serial(10)
  const log: string[] = []
  const task =
    (name: string, fails = false) =>
    async () => {
      log.push(`${name} begins`)
      await Promise.resolve()
      log.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    }
  const outcomes = await Promise.allSettled([serial.run(task('a', true)), serial.run(task('b')), serial.run(task('c'))])
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(serial.idle).toBe(true)
})

test('beyond its limit it refuses with too_many, and takes tasks again later', async () => {
  const serial = new Serial(1)
  let finish = () => {}
  const first = serial.run(() => new Promise<void>((resolve) => (finish = resolve)))
  await expect(serial.run(async () => {})).rejects.toMatchObject({ code: 'too_many', temporary: true })
  finish()
  await first
  await expect(serial.run(async () => 'again')).resolves.toBe('again')
})

test('where nothing is before it, a task gives at once what it has at once', () => {
  const serial = new Serial(1)
  expect(serial.run(() => 'at once')).toBe('at once')
  expect(serial.share(() => 'at once')).toBe('at once')
  const raise = () => {
    throw new Error('at once')
  }
  expect(() => serial.run(raise)).toThrow('at once')
  expect(() => serial.share(raise)).toThrow('at once')
  expect(serial.idle).toBe(true)
})

test('tasks that share run together, and wait for those before them that do not, as these wait for all', async () => {
  const serial = new Serial(10)
  const log: string[] = []
  const finish = new Map<string, () => void>()
  const task = (name: string) => () => {
    log.push(name)
    return new Promise<void>((resolve) => finish.set(name, resolve))
  }
  const runs = new Map<string, unknown>()
  for (const name of ['shared 1', 'shared 2']) runs.set(name, serial.share(task(name)))
  runs.set('alone 3', serial.run(task('alone 3')))
  for (const name of ['shared 4', 'shared 5']) runs.set(name, serial.share(task(name)))
  runs.set('alone 6', serial.run(task('alone 6')))
  const end = async (name: string) => {
    finish.get(name)?.()
    await runs.get(name)
    await settled()
  }
  expect(log).toEqual(['shared 1', 'shared 2'])
  await end('shared 2')
  expect(log).toEqual(['shared 1', 'shared 2'])
  await end('shared 1')
  expect(log).toEqual(['shared 1', 'shared 2', 'alone 3'])
  await end('alone 3')
  expect(log).toEqual(['shared 1', 'shared 2', 'alone 3', 'shared 4', 'shared 5'])
  await end('shared 5')
  await end('shared 4')
  expect(log.at(-1)).toBe('alone 6')
  expect(serial.idle).toBe(false)
  await end('alone 6')
  expect(serial.idle).toBe(true)
})

test('what shares is bounded too, and goes on after one that failed', async () => {
  const serial = new Serial(1)
  const failing = serial.share(() => Promise.reject(new Error('no')))
  await expect(serial.share(async () => 'refused')).rejects.toMatchObject({ code: 'too_many' })
  await expect(failing).rejects.toThrow('no')
  await settled()
  expect(serial.share(() => 'again')).toBe('again')
})

/** All that is due at once has been done. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
