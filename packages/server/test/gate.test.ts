import { expect, test } from 'vitest'
import { Gate } from '../src/gate.ts'

test('no more tasks run at a time than its width, the others in the order they came', async () => {
  const gate = new Gate(2)
  const log: string[] = []
  const finish = new Map<string, () => void>()
  const run = (name: string) =>
    gate.run(() => {
      log.push(name)
      return new Promise<void>((resolve) => finish.set(name, resolve))
    })
  const all = ['a', 'b', 'c', 'd'].map(run)
  expect(log).toEqual(['a', 'b'])
  finish.get('b')?.()
  await all[1]
  expect(log).toEqual(['a', 'b', 'c'])
  finish.get('a')?.()
  finish.get('c')?.()
  await Promise.all([all[0], all[2]])
  expect(log).toEqual(['a', 'b', 'c', 'd'])
  finish.get('d')?.()
  await all[3]
})

test('a task that fails makes room', async () => {
  const gate = new Gate(1)
  await expect(gate.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await expect(gate.run(async () => 'yes')).resolves.toBe('yes')
})

test('where there is room, a task gives at once what it has at once', async () => {
  const gate = new Gate(1)
  expect(gate.run(() => 'at once')).toBe('at once')
  expect(() =>
    gate.run(() => {
      throw new Error('at once')
    }),
  ).toThrow('at once')
  let finish = () => {}
  const first = gate.run(() => new Promise<void>((resolve) => (finish = resolve)))
  const second = gate.run(() => 'later')
  expect(second).toBeInstanceOf(Promise)
  finish()
  await first
  expect(await second).toBe('later')
  expect(gate.run(() => 'at once')).toBe('at once')
})
