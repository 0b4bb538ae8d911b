import { expect, test } from 'vitest'
import { Lanes } from '../../src/connection/lanes.ts'

test('what is about the same waits for what came before it, and nothing else does', async () => {
  const lanes = new Lanes()
  const log: string[] = []
  const finish = new Map<string, () => void>()
  const run = (key: string, name: string, shares = false) =>
    lanes.run(
      key,
      () => {
        log.push(name)
        return new Promise<void>((resolve) => finish.set(name, resolve))
      },
      shares,
    )
  const first = run('#a', 'a1')
  run('#a', 'a2')
  run('#b', 'b1')
  expect(log).toEqual(['a1', 'b1'])
  finish.get('a1')?.()
  await first
  await new Promise((resolve) => setImmediate(resolve))
  expect(log).toEqual(['a1', 'b1', 'a2'])
})

test('what shares does not wait for the same, and what is at once waits for nothing', async () => {
  const lanes = new Lanes()
  const never = () => new Promise<void>(() => {})
  lanes.run('#a', never, true)
  expect(lanes.run('#a', () => 'shared', true)).toBe('shared')
  expect(lanes.run('#a', () => 'alone', false)).toBeInstanceOf(Promise)
  expect(lanes.run('#a', () => 'behind one that is alone', true)).toBeInstanceOf(Promise)
  expect(lanes.run('#b', () => 'alone', false)).toBe('alone')
})

test('beyond 256 that wait for one another it refuses with too_many', async () => {
  const lanes = new Lanes()
  const never = () => new Promise<void>(() => {})
  for (let i = 0; i < 256; i++) lanes.run('#a', never, false)
  await expect(lanes.run('#a', never, false)).rejects.toMatchObject({ code: 'too_many', temporary: true })
})
