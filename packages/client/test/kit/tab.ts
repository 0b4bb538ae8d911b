import type { TestHub } from '../../../server/test/kit/hub.ts'
import { type Connection, connectIn } from '../../src/connection.ts'
import { MemoryLine } from './memory-line.ts'
import { World } from './world.ts'

/** What a tab needs of the test: the hub that is there just now, and the one clock. */
export interface Around {
  readonly hub: TestHub
  /** Whether new lines find it. */
  readonly listening: boolean
  /** A number from 0 to below 1. */
  random(): number
}

/** A real client in a browser of the test's own, with a way to a real hub in this process. */
export class Tab {
  readonly user: string
  readonly world: World = new World()
  readonly conn: Connection
  /** Whether new lines can be opened. */
  online = true
  /** Whether every frame comes as a message of its own on new lines. */
  inPieces = false
  line: MemoryLine | undefined
  /** How many sockets there were when the connection was over; there may never be more. */
  socketsAtEnd: number | undefined
  #suspended: (() => void)[] | undefined

  constructor(user: string, around: Around) {
    this.user = user
    const { world } = this
    world.onSocket = (socket) => {
      this.line = undefined
      setImmediate(() => {
        if (socket.readyState === 0 && this.online && around.listening && !this.#suspended)
          this.line = new MemoryLine(socket, around.hub, this.inPieces)
        else if (socket.readyState !== 3) socket.ends(1006, '', false)
      })
    }
    const { window, document, address } = world.surroundings
    const surroundings = {
      now: () => around.hub.clock.now(),
      later: (delay: number, run: () => void) => this.#after(around, delay, run),
      random: () => around.random(),
      window,
      document,
      address,
    }
    this.conn = connectIn(surroundings, 'https://hub.example.org', {
      WebSocket: world.WebSocket,
      payload: { name: user },
    })
    this.conn.on('status', ({ status }) => {
      if (status === 'closed') this.socketsAtEnd = world.sockets.length
    })
  }

  /** The machine sleeps: no timer of this tab runs and nothing arrives, until it wakes. */
  suspend(): void {
    this.#suspended ??= []
    this.line?.hold()
  }

  /** It runs again, and the browser says so. */
  wake(): void {
    const late = this.#suspended
    this.#suspended = undefined
    for (const run of late ?? []) run()
    this.line?.release()
    this.world.document.dispatchEvent(new Event('visibilitychange'))
    this.world.window.dispatchEvent(new Event('pageshow'))
  }

  freeze(): void {
    this.world.document.dispatchEvent(new Event('freeze'))
  }

  #after(around: Around, delay: number, run: () => void): () => void {
    let cancelled = false
    const due = (): void => {
      if (cancelled) return
      if (this.#suspended) this.#suspended.push(due)
      else run()
    }
    const cancel = around.hub.clock.after(delay, due)
    return () => {
      cancelled = true
      cancel()
    }
  }
}
