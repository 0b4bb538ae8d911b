import { TestClock } from '@hookbox/testkit'
import type { Broker } from '../../src/broker/broker.ts'
import { createMemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { expellable, type Shared } from './nodes.ts'

/** Turns of the event loop that a question, or its answer, is on its way at most. */
const longest = 3

/**
 * Nodes over one memory that is far away: what a node asks arrives in its order, after a while, and is answered after a
 * while. What happens at the same moment may so happen in any order, as over a network.
 */
export async function slowNodes(random: () => number): Promise<Shared> {
  let underWay = 0
  const travel = async () => {
    underWay++
    for (let turns = Math.floor(random() * (longest + 1)); turns > 0; turns--) await turn()
    underWay--
  }
  const clock = new TestClock(undefined, async () => {
    for (let calm = 0; calm < 3; calm++) {
      if (underWay > 0) calm = 0
      await turn()
    }
  })

  function slowly<F extends object>(facet: F, inOrder: { last: Promise<void> }): F {
    const slow =
      (method: (...args: unknown[]) => unknown) =>
      async (...args: unknown[]) => {
        const arrived = inOrder.last.then(travel)
        inOrder.last = arrived
        await arrived
        try {
          return await method(...args)
        } finally {
          await travel()
        }
      }
    return new Proxy(facet, {
      get(_target, key) {
        const value: unknown = Reflect.get(facet, key)
        return typeof value === 'function' && key !== 'answer' ? slow(value as (...args: unknown[]) => unknown) : value
      },
    })
  }

  const memory = createMemoryBroker(clock)
  return {
    clock,
    async join() {
      const node = expellable(memory.join())
      const inOrder = { last: Promise.resolve() }
      const { channels, log, presence, users, messages, leases, bus, nodes } = node
      const all = { channels, log, presence, users, messages, leases, bus, nodes }
      const facets = Object.fromEntries(Object.entries(all).map(([name, facet]) => [name, slowly(facet, inOrder)]))
      return { ...node, ...(facets as Omit<Broker, 'close'>) }
    },
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
