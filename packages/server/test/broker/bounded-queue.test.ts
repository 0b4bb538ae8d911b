import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { BoundedQueue, type Bounds } from '../../src/broker/memory/bounded-queue.ts'

const bounds: Bounds = { size: 3, duration: 0, bytes: 100 }
const item = (at: number, bytes = 1) => ({ at, bytes })

test('keeps the newest within each of its bounds, and says what falls out, oldest first', () => {
  const gone: number[] = []
  const queue = new BoundedQueue<{ at: number; bytes: number }>({ forget: ({ at }) => gone.push(at) })
  for (let at = 1; at <= 5; at++) queue.push(item(at), bounds, at)
  expect(queue.values().map(({ at }) => at)).toEqual([3, 4, 5])
  queue.push(item(6, 98), bounds, 6)
  expect(queue.values().map(({ at }) => at)).toEqual([4, 5, 6])
  queue.push(item(7, 98), bounds, 7)
  expect(queue.values().map(({ at }) => at)).toEqual([7])
  queue.trim({ ...bounds, duration: 10 }, 17)
  expect(queue.length).toBe(0)
  expect(gone).toEqual([1, 2, 3, 4, 5, 6, 7])
})

test('keeps only what is wanted, lets go of the oldest, and of all', () => {
  const queue = new BoundedQueue<{ at: number; bytes: number }>()
  for (let at = 1; at <= 200; at++) queue.push(item(at), { ...bounds, size: 100 }, at)
  queue.dropOldest()
  expect(queue.values()[0]?.at).toBe(102)
  queue.keepOnly(({ at }) => at % 50 === 0)
  expect(queue.values()).toEqual([item(150), item(200)])
  queue.push(item(201, 99), bounds, 201)
  expect(queue.values()).toEqual([item(200), item(201, 99)])
  queue.clear()
  expect(queue.length).toBe(0)
  expect(queue.values()).toEqual([])
})

test('holds nothing of what has fallen out', () => {
  const queue = new BoundedQueue<{ at: number; bytes: number }>()
  const gone = new WeakRef(item(1))
  queue.push(gone.deref() as { at: number; bytes: number }, { ...bounds, size: 1 }, 1)
  for (let at = 2; at <= 10; at++) queue.push(item(at), { ...bounds, size: 1 }, at)
  return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
    collectGarbage()
    expect(gone.deref()).toBeUndefined()
    expect(queue.length).toBe(1)
  })
})

function collectGarbage(): void {
  setFlagsFromString('--expose_gc')
  runInNewContext('gc')()
}
