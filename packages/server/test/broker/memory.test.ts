import { TestClock } from '@hookbox/testkit'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { brokerContract } from '../contracts/broker.ts'

brokerContract('memory', async () => {
  const clock = new TestClock()
  const broker = createMemoryBroker(clock)
  return { broker, clock, join: async () => broker.join(), crash: (node) => (node as MemoryBroker).crash() }
})
