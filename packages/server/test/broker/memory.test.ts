import { TestClock } from '@hookbox/testkit'
import { createMemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { brokerContract } from '../contracts/broker.ts'

brokerContract('memory', async () => {
  const clock = new TestClock()
  return { broker: createMemoryBroker(clock), clock }
})
