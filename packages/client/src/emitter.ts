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
export interface Emitter<Events extends EventMap<Events>> {
  on<Name extends keyof Events>(name: Name, handler: Events[Name], options?: ListenOptions): Unbind
  tell<Name extends keyof Events>(name: Name, ...args: Parameters<Events[Name]>): void
  /** How many handlers are bound. */
  hears(name: keyof Events): number | undefined
}

/** `log` is told of every event before handlers are. */
export function createEmitter<Events extends EventMap<Events>>(
  log?: (name: string, ...args: unknown[]) => void,
): Emitter<Events> {
  const handlers = createNanoEvents<Events>()
  // names come from callers, and `constructor` is one that every ordinary object has
  handlers.events = { __proto__: null } as never
  return {
    on(name, handler, { signal, once } = {}) {
      const safely = reporting(handler)
      let bound = true
      // a function of its own for every binding: bound twice, a handler is called twice and unbound one at a time
      const remove = handlers.on(name, ((...args: Parameters<typeof handler>): void => {
        if (!bound) return
        if (once) unbind()
        safely(...args)
      }) as typeof handler)
      const unbind = (): void => {
        bound = false
        remove()
        signal?.removeEventListener('abort', unbind)
      }
      onAbort(signal, unbind)
      return unbind
    },
    tell(name, ...args) {
      log?.(name as string, ...args)
      handlers.emit(name, ...args)
    },
    hears: (name) => handlers.events[name]?.length,
  }
}

/** A function of the page's. What it throws is shown where uncaught errors are shown, without stopping what is going on. */
export function reporting<Args extends unknown[]>(run: (...args: Args) => void): (...args: Args) => void {
  return (...args) => {
    try {
      run(...args)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
