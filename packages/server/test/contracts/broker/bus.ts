import { HookboxError, type Json } from '@hookbox/protocol'
import { describe, expect, test } from 'vitest'
import { RecordingNode, type Setup } from './kit.ts'

export function busContract(setup: Setup): void {
  async function opened() {
    const beginning = await setup()
    const other = await beginning.join()
    await beginning.broker.nodes.start(new RecordingNode())
    await other.nodes.start(new RecordingNode())
    return { ...beginning, bus: beginning.broker.bus, other }
  }

  describe('the bus', () => {
    test('brings a question to the node that is asked, and its answer back', async () => {
      const { broker, bus, other } = await opened()
      broker.bus.answer(async (question) => ({ here: question }))
      other.bus.answer(async (question) => ({ there: question }))
      const question: Json = { text: '🦊 "\n', list: [], object: {}, nothing: null, number: 1.5 }
      expect(await bus.ask(other.nodes.id, question)).toEqual({ there: question })
      expect(await bus.ask(broker.nodes.id, question)).toEqual({ here: question })
      expect(await other.bus.ask(broker.nodes.id, null)).toEqual({ here: null })
    })

    test('brings many at once, each its own answer, however late', async () => {
      const { bus, other } = await opened()
      const late: (() => void)[] = []
      other.bus.answer(async (question) => {
        if (question === 0) await new Promise<void>((resolve) => late.push(resolve))
        else if (question === 99) for (const resolve of late) resolve()
        return question
      })
      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => bus.ask(other.nodes.id, n)))
      expect(answers).toEqual(Array.from({ length: 100 }, (_, n) => n))
    })

    test('brings a long question and a long answer', async () => {
      const { bus, other } = await opened()
      other.bus.answer(async (question) => `${question}${question}`)
      const long = 'x€'.repeat(150_000)
      expect(await bus.ask(other.nodes.id, long)).toBe(long + long)
    })

    test('brings back the error that was thrown', async () => {
      const { bus, other } = await opened()
      other.bus.answer(async () => {
        throw new HookboxError('refused', 'no "way"', { temporary: true })
      })
      const failing = bus.ask(other.nodes.id, 1)
      await expect(failing).rejects.toBeInstanceOf(HookboxError)
      await expect(failing).rejects.toMatchObject({ code: 'refused', message: 'no "way"', temporary: true })
    })

    test('a node that is not there, or answers nothing, cannot be reached', async () => {
      const { bus, other, crash } = await opened()
      const unreachable = { code: 'unavailable', temporary: true }
      await expect(bus.ask('nobody', 1)).rejects.toMatchObject(unreachable)
      await expect(bus.ask(other.nodes.id, 1)).rejects.toMatchObject(unreachable)
      other.bus.answer(() => new Promise(() => {}))
      const waiting = bus.ask(other.nodes.id, 1)
      waiting.catch(() => {})
      await crash(other)
      await expect(waiting).rejects.toMatchObject(unreachable)
      await expect(bus.ask(other.nodes.id, 1)).rejects.toMatchObject(unreachable)
    })
  })
}
