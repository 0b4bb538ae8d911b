import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { decodeMessage } from '@hookbox/protocol'
import { expect, test } from 'vitest'

/** Bytes of the heap that are in use, without what is garbage. */
function used(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

test('the name and the id of a publish hold nothing else of its frame, as both are remembered for longer', () => {
  const payload = 'x'.repeat(20_000)
  const remembered = new Set<string>()
  const before = used()
  for (let n = 0; n < 500; n++) {
    const args = { channel_name: `a channel of some length ${n}`, payload, message_id: `a-message-of-a-page-${n}` }
    const [decoded] = decodeMessage(JSON.stringify([n, 'PUBLISH', args]))
    if (!decoded || !('frame' in decoded) || decoded.frame.name !== 'PUBLISH') throw new Error('expected a publish')
    remembered.add(decoded.frame.args.channel_name)
    remembered.add(decoded.frame.args.message_id ?? '')
  }
  // All frames together are 10 MB.
  expect(used() - before).toBeLessThan(1_000_000)
  expect(remembered.size).toBe(1_000)
})
