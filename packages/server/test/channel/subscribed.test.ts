import { decodeServerMessage, type JsonText } from '@hookbox/protocol'
import { describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/broker/broker.ts'
import { defaultOptions } from '../../src/channel/options.ts'
import { subscribedFrame } from '../../src/channel/subscribed.ts'

const snapshot: Snapshot = {
  top: { epoch: 'e', offset: 3 },
  missed: undefined,
  history: '[]' as JsonText,
  more: false,
  state: new Map(),
  members: [],
  revision: 1,
}

function argsOf(more: Partial<Snapshot>, resumes = false): { [name: string]: unknown } {
  const options = { ...defaultOptions, presenceful: true }
  const how = { id: 7, resumes, initialData: undefined }
  const [frame] = decodeServerMessage(subscribedFrame('chat', options, { ...snapshot, ...more }, how).text)
  return { ...frame?.args }
}

describe('SUBSCRIBED', () => {
  const users = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`)

  test('names 10,000 users who are here', () => {
    const args = argsOf({ members: users(10_000) })
    expect(args.presence).toHaveLength(10_000)
    expect(args).not.toHaveProperty('present')
  })

  test('tells only the number of more than 10,000', () => {
    const args = argsOf({ members: users(10_001) })
    expect(args.present).toBe(10_001)
    expect(args).not.toHaveProperty('presence')
  })

  test('holds no snapshot for whoever recovers, only how much follows', () => {
    const args = argsOf({ missed: [] }, true)
    expect(args).toMatchObject({ position: 'e:3', recovered: true, missed: 0 })
    for (const name of ['history', 'state', 'presence', 'present']) expect(args).not.toHaveProperty(name)
  })

  test('holds a whole snapshot, and says so, for whoever cannot recover', () => {
    expect(argsOf({}, true)).toMatchObject({ recovered: false, history: [], state: {}, presence: [] })
  })
})
