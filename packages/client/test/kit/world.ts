import { type Connection, type ConnectOptions, connectIn } from '../../src/connection.ts'
import type { PageDocument, Surroundings } from '../../src/surroundings.ts'
import type { WebSocketConstructor } from '../../src/transport/transport.ts'
import { clock } from './clock.ts'
import { FakeSocket, type Frame } from './socket.ts'

/** A page in a browser of the test's own: its events, its sockets, its luck. */
export class World {
  readonly window: EventTarget & { listeners: number } = countedTarget()
  readonly document: PageDocument & { listeners: number; jar: string[]; visibilityState: string }
  readonly sockets: FakeSocket[] = []
  /** What `random` gives; the middle of every range unless a test says otherwise. */
  luck: () => number = () => 0.5
  /** Called with every new socket. */
  onSocket: ((socket: FakeSocket) => void) | undefined
  /** Thrown by the next constructors. */
  constructorThrows: Error | undefined

  constructor() {
    const jar: string[] = []
    this.document = Object.defineProperty(
      Object.assign(countedTarget(), { visibilityState: 'visible', jar }),
      'cookie',
      {
        set: (cookie: string) => jar.push(cookie),
        get: () => jar.join('; '),
        configurable: true,
      },
    ) as World['document']
  }

  get surroundings(): Surroundings {
    const { window, document } = this
    return {
      now: () => Date.now(),
      later(delay, run) {
        const timer = setTimeout(run, delay)
        return () => clearTimeout(timer)
      },
      random: () => this.luck(),
      window,
      document,
      address: 'https://page.example.org/app/index.html',
    }
  }

  /** The class by which this page's sockets are made. */
  get WebSocket(): WebSocketConstructor {
    const world = this
    return class extends FakeSocket {
      constructor(url: string, protocols?: string | string[]) {
        super(url, protocols)
        if (world.constructorThrows) throw world.constructorThrows
        world.sockets.push(this)
        world.onSocket?.(this)
      }
    }
  }

  connect(options: ConnectOptions = {}): Connection {
    return connectIn(this.surroundings, 'https://hub.example.org', { WebSocket: this.WebSocket, ...options })
  }

  /** The newest socket. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1)
    if (socket === undefined) throw new Error('no socket was opened')
    return socket
  }

  /** Opens the newest socket and lets the hub agree. */
  async welcome(args: Record<string, unknown> = {}): Promise<FakeSocket> {
    await clock.settle()
    const { socket } = this
    socket.opens()
    await clock.settle()
    socket.hears(connected(socket.last('CONNECT')[0], args))
    await clock.settle()
    return socket
  }

  /** Breaks the newest line and waits until the next one is tried. */
  async breakLine(code = 1006): Promise<FakeSocket> {
    this.socket.ends(code, '', false)
    return this.nextSocket()
  }

  /** Turns the clock until the page opens another socket, and says how long that took. */
  async nextSocket(): Promise<FakeSocket> {
    const before = this.sockets.length
    for (let waited = 0; waited <= 30_000; waited += 100) {
      await clock.turn(100)
      if (this.sockets.length > before) return this.socket
    }
    throw new Error('the page did not come back')
  }
}

export function connected(id: number, args: Record<string, unknown> = {}): Frame {
  return [
    id,
    'CONNECTED',
    {
      name: 'ann',
      payload: null,
      id: '0'.repeat(32),
      ticket: 'ticket-1',
      ping: 25,
      linger: 15,
      limits: { frame: 65_536, message: 1_048_576, channels: 128 },
      ...args,
    },
  ]
}

export function subscribed(id: number, channel: string, args: Record<string, unknown> = {}): Frame {
  return [
    id,
    'SUBSCRIBED',
    {
      channel_name: channel,
      position: 'e1:0',
      presenceful: false,
      reflective: true,
      history_size: 0,
      history_duration: 0,
      ...(args.recovered !== true && { history: [], state: {}, presence: [] }),
      ...args,
    },
  ]
}

export function publish(channel: string, offset: number | undefined, payload: unknown, more: object = {}): Frame {
  const datetime = new Date(clock.now()).toISOString()
  return [0, 'PUBLISH', { channel_name: channel, user: 'bob', payload, datetime, ...(offset && { offset }), ...more }]
}

export const result = (id: number, args: Record<string, unknown> = {}): Frame => [id, 'RESULT', args]

export function refusal(id: number, code: string, temporary: boolean, message = code): Frame {
  return [id, 'ERROR', { code, message, temporary }]
}

function countedTarget(): EventTarget & { listeners: number } {
  const target = Object.assign(new EventTarget(), { listeners: 0 })
  const add = target.addEventListener.bind(target)
  const remove = target.removeEventListener.bind(target)
  const bound = new Set<string>()
  const ids = new Map<unknown, number>()
  const keyOf = (type: string, listener: unknown): string => {
    if (!ids.has(listener)) ids.set(listener, ids.size)
    return `${type} ${ids.get(listener)}`
  }
  target.addEventListener = (type, listener, options) => {
    target.listeners = bound.add(keyOf(type, listener)).size
    add(type, listener, options)
  }
  target.removeEventListener = (type, listener, options) => {
    bound.delete(keyOf(type, listener))
    target.listeners = bound.size
    remove(type, listener, options)
  }
  return target
}
