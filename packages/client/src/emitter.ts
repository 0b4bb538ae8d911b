import { createNanoEvents } from 'nanoevents'
import { onAbort } from './giving-up.ts'

/** How a handler is bound. */
export interface ListenOptions {
  /** Unbinds when it aborts. */
  signal?: AbortSignal | undefined
  /** Unbinds after the first call. */
  once?: boolean | undefined
}

/** Unbinds a handler. Calling it again does nothing. */
export type Unbind = () => void

type EventMap<Events> = { [Name in keyof Events]: (...args: never[]) => void }

/**
 * Handlers by event name. A handler that throws does not stop the others, and one that was unbound is not called any
 * more, not even by the event that is being told just now.
 */
export class Emitter<Events extends EventMap<Events>> {
  readonly #events = createNanoEvents<Events>()

  constructor() {
    // names come from callers, and `constructor` is one that every ordinary object has
    this.#events.events = Object.create(null)
  }

  on<Name extends keyof Events>(name: Name, handler: Events[Name], options: ListenOptions = {}): Unbind {
    const { signal, once } = options
    if (signal?.aborted) return () => {}
    let bound = true
    // a function of its own for every binding: bound twice, a handler is called twice and unbound one at a time
    const call = (...args: Parameters<Events[Name]>): void => {
      if (!bound) return
      if (once) unbind()
      try {
        handler(...args)
      } catch (error) {
        report(error)
      }
    }
    const remove = this.#events.on(name, call as Events[Name])
    const unbind = (): void => {
      bound = false
      remove()
      forget()
    }
    const forget = onAbort(signal, unbind)
    return unbind
  }

  emit<Name extends keyof Events>(name: Name, ...args: Parameters<Events[Name]>): void {
    this.#events.emit(name, ...args)
  }
}

/** Shows an error where uncaught ones are shown, without stopping what is going on. */
function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else {
    queueMicrotask(() => {
      throw error
    })
  }
}
