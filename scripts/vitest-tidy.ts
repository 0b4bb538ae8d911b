import { afterAll, vi } from 'vitest'

// The files of a worker share what is global, and a stub of a file's last test is put back only before a next one.
afterAll(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})
