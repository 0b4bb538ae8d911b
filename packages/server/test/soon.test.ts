import { expect, test, vi } from 'vitest'
import { after, ensure, rescue } from '../src/soon.ts'

const broken = new Error('broken')

test('after goes on at once where the value is there, and later where it is not', async () => {
  expect(after(1, (n) => n + 1)).toBe(2)
  expect(await after(Promise.resolve(1), (n) => n + 1)).toBe(2)
  expect(await after(1, async (n) => n + 1)).toBe(2)
  expect(() => after(1, () => raise())).toThrow(broken)
  await expect(after(Promise.resolve(1), () => raise())).rejects.toBe(broken)
})

test('rescue has what is made of an error, thrown or rejected', async () => {
  const failed = (error: unknown) => [error]
  expect(rescue<unknown>(() => 1, failed)).toBe(1)
  expect(rescue<unknown>(() => raise(), failed)).toEqual([broken])
  expect(await rescue<unknown>(async () => 1, failed)).toBe(1)
  expect(await rescue<unknown>(async () => raise(), failed)).toEqual([broken])
  expect(() => rescue<unknown>(() => raise(), raise)).toThrow(broken)
})

test('ensure does the last thing once, when the task is over, however it ends', async () => {
  const last = vi.fn()
  expect(ensure(() => 1, last)).toBe(1)
  expect(last).toHaveBeenCalledTimes(1)
  expect(() => ensure(() => raise(), last)).toThrow(broken)
  expect(last).toHaveBeenCalledTimes(2)
  const later = ensure(async () => 1, last)
  expect(last).toHaveBeenCalledTimes(2)
  expect(await later).toBe(1)
  expect(last).toHaveBeenCalledTimes(3)
  await expect(ensure(async () => raise(), last)).rejects.toBe(broken)
  expect(last).toHaveBeenCalledTimes(4)
})

function raise(): never {
  throw broken
}
