import { afterEach, beforeEach, vi } from 'vitest'

/** The time of one test, which stands still unless the test turns it. It holds for bundled packages too. */
export const clock = {
  /** Lets `ms` milliseconds pass, with all that falls due in them. */
  async turn(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms)
  },
  /** Lets happen what is due now. */
  async settle(): Promise<void> {
    await vi.advanceTimersByTimeAsync(0)
  },
  /** The machine sleeps: time passes, but no timer runs until it wakes. */
  suspend(ms: number): void {
    vi.setSystemTime(Date.now() + ms)
  },
  now: (): number => Date.now(),
}

/** To be called once in a test file. */
export function useClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_000_000_000_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
}
