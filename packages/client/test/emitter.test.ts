import { expect, test, vi } from 'vitest'
import { createEmitter } from '../src/emitter.ts'
import { hearUncaught } from './kit/uncaught.ts'

// What nanoevents leaves to its users (`there: …`), and what holds here.

interface Events {
  said: (what: string) => void
  error: (error: Error) => void
  constructor: (what: string) => void
}

test('a handler that throws (there: it ends the loop and reaches whoever tells) does not stop the others, and its error is reported', async () => {
  const emitter = createEmitter<Events>()
  const heard: string[] = []
  emitter.on('said', () => {
    throw new Error('mine')
  })
  emitter.on('said', (what) => heard.push(what))
  using uncaught = hearUncaught()
  emitter.tell('said', 'hello')
  expect(heard).toEqual(['hello'])
  await Promise.resolve()
  expect(uncaught.errors).toEqual([new Error('mine')])
})

test('a handler that an earlier one unbinds (there: it is called once more) is not called by the event that is being told', () => {
  const emitter = createEmitter<Events>()
  const heard: string[] = []
  emitter.on('said', () => unbind())
  const unbind = emitter.on('said', (what) => heard.push(what))
  emitter.tell('said', 'hello')
  expect(heard).toEqual([])
})

test('the same function bound twice (there: one unbind removes both) is unbound one at a time', () => {
  const emitter = createEmitter<Events>()
  let calls = 0
  const handler = () => {
    calls++
  }
  const unbind = emitter.on('said', handler)
  emitter.on('said', handler)
  unbind()
  unbind()
  emitter.tell('said', 'hello')
  expect(calls).toBe(1)
})

test('an event (there: `on` throws for one that is called `constructor`) may have the name of what every object inherits', () => {
  const emitter = createEmitter<Events>()
  const heard: string[] = []
  emitter.on('constructor', (what) => heard.push(what))
  emitter.tell('constructor', 'hello')
  expect(heard).toEqual(['hello'])
})

test('a handler bound by another one waits for the next event', () => {
  const emitter = createEmitter<Events>()
  const heard: string[] = []
  const unbind = emitter.on('said', () => {
    unbind()
    emitter.on('said', (what) => heard.push(what))
  })
  emitter.tell('said', 'one')
  expect(heard).toEqual([])
  emitter.tell('said', 'two')
  expect(heard).toEqual(['two'])
})

test("an error that nobody listens to is nobody's", () => {
  const emitter = createEmitter<Events>()
  expect(() => emitter.tell('error', new Error('unheard'))).not.toThrow()
  expect(() => emitter.tell('constructor', 'unheard')).not.toThrow()
})

test('a handler (there: no `once`, no signal) is bound once, or until a signal', () => {
  const emitter = createEmitter<Events>()
  const heard: string[] = []
  const controller = new AbortController()
  emitter.on('said', (what) => heard.push(`once ${what}`), { once: true })
  emitter.on('said', (what) => heard.push(`signal ${what}`), { signal: controller.signal })
  emitter.on('said', (what) => heard.push(`never ${what}`), { signal: AbortSignal.abort() })
  emitter.tell('said', '1')
  controller.abort()
  emitter.tell('said', '2')
  expect(heard).toEqual(['once 1', 'signal 1'])
})

test('a handler that is bound once is called once, also where it tells the same event itself', () => {
  const emitter = createEmitter<Events>()
  const heard: string[] = []
  emitter.on(
    'said',
    (what) => {
      heard.push(what)
      emitter.tell('said', `${what} again`)
    },
    { once: true },
  )
  emitter.tell('said', 'one')
  expect(heard).toEqual(['one'])
})

test('unbinding leaves nothing on the signal, and unbinding late or twice takes nothing from others', () => {
  const emitter = createEmitter<Events>()
  const heard: string[] = []
  const controller = new AbortController()
  const { signal } = controller
  const bound = vi.spyOn(signal, 'addEventListener')
  const freed = vi.spyOn(signal, 'removeEventListener')
  const handler = (what: string) => heard.push(what)
  const unbind = emitter.on('said', handler, { signal })
  emitter.on('said', handler, { signal, once: true })
  emitter.on('said', handler)
  unbind()
  emitter.tell('said', 'one')
  unbind()
  controller.abort()
  unbind()
  emitter.tell('said', 'two')
  expect(heard).toEqual(['one', 'one', 'two'])
  const abortsOf = (spy: typeof bound | typeof freed) => new Set(spy.mock.calls.map(([, listener]) => listener))
  expect(bound.mock.calls).toHaveLength(2)
  expect(abortsOf(freed)).toEqual(abortsOf(bound))
})

test('it tells how many handlers are bound to an event', () => {
  const emitter = createEmitter<Events>()
  expect(emitter.hears('constructor')).toBeFalsy()
  const unbind = [emitter.on('said', () => {}), emitter.on('said', () => {}, { once: true })]
  expect(emitter.hears('said')).toBe(2)
  emitter.tell('said', 'hello')
  expect(emitter.hears('said')).toBe(1)
  for (const one of unbind) one()
  expect(emitter.hears('said')).toBeFalsy()
})
