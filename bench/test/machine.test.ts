import { expect, test } from 'vitest'
import { versions } from '../src/machine.ts'

test('what stands beside the hub is told with its version, and nothing of the hub, which has the commit', async () => {
  expect(await versions(['hookbox', 'ws loop', 'undici', 'bare wire'])).toMatch(
    /^ws loop \d+\.\d+\.\d+, undici \d+\.\d+\.\d+$/,
  )
  expect(await versions(['hookbox'])).toBe('')
  expect(await versions(['ws loop'], true)).toMatch(/^ws loop \S+, Redis (\d+\.\d+\.\d+|of unknown version)$/)
})
