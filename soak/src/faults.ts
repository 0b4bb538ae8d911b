import { setTimeout as pause } from 'node:timers/promises'
import type { TcpProxy } from '@hookbox/testkit'
import type { Random } from './random.ts'

type Fault = (proxy: TcpProxy, random: Random) => void | Promise<void>

/** What can happen to a line, with how often of the whole. Every one but the slow line ends it. */
const table: readonly { readonly weight: number; readonly happens: Fault }[] = [
  { weight: 30, happens: (proxy) => proxy.cut() },
  // in the middle of a frame, or between what was asked and its answer
  { weight: 30, happens: (proxy, random) => proxy.cutAfter(random.int(1, 3_000)) },
  {
    // the page hears that its line is gone, and the hub does not: it comes back while it is still there
    weight: 15,
    async happens(proxy, random) {
      proxy.abandon()
      await pause(random.int(50, 1_000))
      proxy.cut()
    },
  },
  {
    // nobody hears anything, for a while
    weight: 15,
    async happens(proxy, random) {
      proxy.stop()
      await pause(random.int(20, 800))
      if (random.chance(0.7)) proxy.cut()
      proxy.go()
    },
  },
  {
    weight: 10,
    async happens(proxy, random) {
      proxy.shape({ delay: random.int(0, 30), piece: () => random.int(16, 512) })
      await pause(random.int(100, 600))
      if (random.chance(0.5)) proxy.cut()
      proxy.shape({})
    },
  },
]

const whole = table.reduce((sum, { weight }) => sum + weight, 0)

/** Something happens to a line. Settles when it is over. */
export async function fault(proxy: TcpProxy, random: Random): Promise<void> {
  let drawn = random.next() * whole
  const found = table.find(({ weight }) => {
    drawn -= weight
    return drawn < 0
  })
  await found?.happens(proxy, random)
}
