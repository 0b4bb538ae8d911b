import { StreamSocket } from './event-stream.ts'
import type { Fallback, WebSocketConstructor, WebSocketLike } from './transport.ts'

/** Milliseconds for a WebSocket to open; beyond it, it is one that cannot. */
const opening = 5_000

/** Milliseconds for which a way that works is taken before WebSocket is tried again, with the next new line. */
const kept = 300_000

type Global = { readonly WebSocket?: WebSocketConstructor }

type Way = 'websocket' | 'stream' | 'poll'

/** By the hub's address: what got through when WebSocket did not. For the page's life; a page has few hubs. */
const remembered = /* @__PURE__ */ new Map<string, { readonly way: Way; readonly until: number }>()

/**
 * Chooses how a page gets to its hub: by WebSocket; where none opens, or nothing comes through one, by an event stream; where
 * something on the way holds streams back, by long polling. Every way is one try of the connection, so a page that finds none
 * goes on trying all of them with growing waits.
 */
export const fallback: Fallback = (address, given = (globalThis as Global).WebSocket) => {
  let next: Way = 'websocket'
  /** The last WebSocket failed at once: perhaps only since the hub was not there. */
  let doubtful = false

  function byWebSocket(url: string, protocol: string): WebSocketLike {
    next = remembered.get(address)?.way ?? 'stream'
    doubtful = true
    const { socket, cancel } = limited(given, url, protocol, () => {
      doubtful = false
    })
    const opened = () => {
      cancel()
      doubtful = false
    }
    const cameThrough = () => {
      next = 'websocket'
      remembered.delete(address)
    }
    socket.addEventListener('open', opened)
    socket.addEventListener('close', cancel)
    socket.addEventListener('message', cameThrough)
    return socket
  }

  function byStream(url: string, protocol: string, way: Way): WebSocketLike {
    next = 'websocket'
    return new StreamSocket(url, protocol, {
      poll: way === 'poll',
      late() {
        if (way === 'stream') next = 'poll'
      },
      async wanted() {
        // the hub is there: if only that was missing, a WebSocket opens now
        if (doubtful && (await opens(given, url, protocol))) return false
        doubtful = false
        const known = remembered.get(address)
        remembered.set(address, { way, until: known && !isDue(known) ? known.until : Date.now() + kept })
        return true
      },
    })
  }

  return () => {
    const known = remembered.get(address)
    let way = next
    if (way === 'websocket' && known && !isDue(known)) way = known.way
    if (way === 'websocket' && !given) way = known?.way ?? 'stream'
    function Line(url: string, protocol: string): WebSocketLike {
      return way === 'websocket' ? byWebSocket(url, protocol) : byStream(url, protocol, way)
    }
    return Line as unknown as WebSocketConstructor
  }
}

function isDue({ until }: { readonly until: number }): boolean {
  return until <= Date.now()
}

/** A WebSocket that is given up where it does not open. */
function limited(WebSocketClass: unknown, url: string, protocol: string, late: () => void) {
  const socket = new (WebSocketClass as WebSocketConstructor)(url, protocol) as WebSocketLike & EventTarget
  const timer = setTimeout(() => {
    late()
    socket.close()
  }, opening)
  return { socket, cancel: () => clearTimeout(timer) }
}

/** Whether a WebSocket opens. This one is not used. */
function opens(WebSocketClass: unknown, url: string, protocol: string): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      const { socket, cancel } = limited(WebSocketClass, url, protocol, () => resolve(false))
      const done = ({ type }: Event) => {
        cancel()
        resolve(type === 'open')
        socket.close()
      }
      for (const event of ['open', 'error', 'close']) socket.addEventListener(event, done)
    } catch {
      // not even allowed to be made
      resolve(false)
    }
  })
}
