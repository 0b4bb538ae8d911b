import { until } from '@hookbox/testkit'
import type { Fact } from './facts.ts'
import { openPage, type Page } from './page.ts'
import type { Visitor } from './scenario.ts'

/** Milliseconds for which it is waited that somebody is shown, or not any more. */
const longest = 20_000

/** A page that comes into one channel, and is watched there by another one. */
export async function visit(
  name: string,
  { port, channel, witness, take }: { port: number; channel: string; witness: Page; take: (fact: Fact) => void },
): Promise<Visitor> {
  const page = await openPage(name, port, take, false)
  const isShown = () => {
    const held = witness.held().find((one) => one.channel === channel)
    return held?.subscription.presence.includes(name) ?? false
  }
  page.hold(channel)
  await until(() => isShown() || undefined, `${name} to be shown`, { deadline: longest })

  function unseen(deadline: number): Promise<true> {
    return until(() => !isShown() || undefined, `${name} not to be shown`, { deadline })
  }

  return {
    get closed() {
      return page.closed
    },
    async vanish() {
      const begun = Date.now()
      page.cancel(channel)
      await page.close()
      // Where it is shown for ever, that is how long it was.
      await unseen(longest).catch(() => {})
      return Date.now() - begun
    },
    async leave() {
      page.cancel(channel)
      await unseen(longest)
      await page.close()
    },
  }
}
