import fc from 'fast-check'
import { expect, test } from 'vitest'
import { maxEarly, type Post, Posts } from '../../src/transport/posts.ts'

function intake() {
  const applied: Post[] = []
  const posts = new Posts((post) => applied.push(post))
  return { posts, applied, seqs: () => applied.map(({ seq }) => seq) }
}

const post = (seq: number, message = `${seq}`): Post => ({ seq, message })

test('POSTs are applied in their order, each once, however they come', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 16 }), { maxLength: 60 }), (arrivals) => {
      const { posts, applied, seqs } = intake()
      const seen = new Set<number>()
      for (const seq of arrivals) {
        expect(posts.take(post(seq))).toBe(true)
        seen.add(seq)
        let top = 0
        while (seen.has(top + 1)) top++
        expect(seqs()).toEqual(Array.from({ length: top }, (_, i) => i + 1))
      }
      expect(applied.every(({ seq, message }) => message === `${seq}`)).toBe(true)
      expect(posts.begun).toBe(applied.length > 0)
    }),
  )
})

test('of a POST that came twice the first counts', () => {
  const { posts, applied } = intake()
  posts.take(post(2, 'first'))
  posts.take(post(2, 'second'))
  posts.take(post(1))
  posts.take(post(1, 'again'))
  expect(applied.map(({ message }) => message)).toEqual(['1', 'first'])
})

test('only so many may wait for one before them; what was not taken may come again', () => {
  const { posts, seqs } = intake()
  for (let seq = 2; seq < 2 + maxEarly.posts; seq++) expect(posts.take(post(seq))).toBe(true)
  expect(posts.take(post(2 + maxEarly.posts))).toBe(false)
  expect(posts.take(post(5))).toBe(true)
  expect(posts.take(post(1))).toBe(true)
  expect(seqs()).toHaveLength(1 + maxEarly.posts)
  expect(posts.take(post(2 + maxEarly.posts))).toBe(true)
  expect(seqs()).toHaveLength(2 + maxEarly.posts)
})

test('only so much may wait, and room is given back', () => {
  const { posts, seqs } = intake()
  const half = 'x'.repeat(maxEarly.length / 2)
  expect(posts.take(post(2, half))).toBe(true)
  expect(posts.take(post(3, half))).toBe(true)
  expect(posts.take(post(4, 'x'))).toBe(false)
  posts.take(post(1))
  expect(posts.take(post(6, half))).toBe(true)
  expect(posts.take(post(7, half))).toBe(true)
  expect(seqs()).toEqual([1, 2, 3])
})
