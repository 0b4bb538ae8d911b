import { expect, test } from 'vitest'
import { Emitter } from '../src/emitter.ts'

interface Events {
  said: (what: string) => void
  constructor: (what: string) => void
}

test('a handler that throws does not stop the others, and its error is reported', async () => {
  const emitter = new Emitter<Events>()
  const heard: string[] = []
  emitter.on('said', () => {
    throw new Error('mine')
  })
  emitter.on('said', (what) => heard.push(what))
  const reported = new Promise((resolve) => {
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', (error) => {
      for (const other of others) process.on('uncaughtException', other)
      resolve(error)
    })
  })
  emitter.emit('said', 'hello')
  expect(heard).toEqual(['hello'])
  expect(await reported).toEqual(new Error('mine'))
})

test('a handler that an earlier one unbinds is not called by the event that is being told', () => {
  const emitter = new Emitter<Events>()
  const heard: string[] = []
  emitter.on('said', () => unbind())
  const unbind = emitter.on('said', (what) => heard.push(what))
  emitter.emit('said', 'hello')
  expect(heard).toEqual([])
})

test('the same function bound twice is unbound one at a time', () => {
  const emitter = new Emitter<Events>()
  let calls = 0
  const handler = () => {
    calls++
  }
  const unbind = emitter.on('said', handler)
  emitter.on('said', handler)
  unbind()
  unbind()
  emitter.emit('said', 'hello')
  expect(calls).toBe(1)
})

test('an event may have the name of what every object inherits', () => {
  const emitter = new Emitter<Events>()
  const heard: string[] = []
  emitter.on('constructor', (what) => heard.push(what))
  emitter.emit('constructor', 'hello')
  expect(heard).toEqual(['hello'])
})

test('a handler is bound once, or until a signal', () => {
  const emitter = new Emitter<Events>()
  const heard: string[] = []
  const controller = new AbortController()
  emitter.on('said', (what) => heard.push(`once ${what}`), { once: true })
  emitter.on('said', (what) => heard.push(`signal ${what}`), { signal: controller.signal })
  emitter.on('said', (what) => heard.push(`never ${what}`), { signal: AbortSignal.abort() })
  emitter.emit('said', '1')
  controller.abort()
  emitter.emit('said', '2')
  expect(heard).toEqual(['once 1', 'signal 1'])
})
