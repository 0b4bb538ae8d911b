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
