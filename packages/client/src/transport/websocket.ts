import { subprotocol } from '@hookbox/protocol'
import ReconnectingWebSocket from 'reconnecting-websocket'
import type { LineEnd, LineEvents, Transport, WebSocketConstructor, WebSocketLike } from './transport.ts'

type RawSocket = WebSocketLike & EventTarget

/** How a line ends that nobody closed. */
const lostLine: LineEnd = { code: 1006, reason: '', wasClean: false }

/**
 * Lines by WebSocket, opened and opened again by reconnecting-websocket, behind guards for what it leaves open: when the
 * next try is due is decided outside (its own waits cannot be hurried), the true end of a socket is read from the socket
 * (it reports 1000 after an error), a constructor that throws counts as a line that ended (it would never try again), and
 * nothing is queued in it (its queue goes out before any handshake). An instance is never used again after `close`.
 */
export function openWebSocket(pick: () => WebSocketConstructor, events: LineEvents): Transport {
  /** The socket whose end is still to be told. */
  let current: RawSocket | undefined

  function guarded(url: string, protocols: string): RawSocket {
    let socket: RawSocket
    try {
      socket = new (pick())(url, protocols) as RawSocket
    } catch (cause) {
      events.failed(cause)
      socket = deadSocket()
    }
    current = socket
    // without one of its own the `ws` package throws when a socket is closed before it has opened
    socket.addEventListener('error', () => {})
    // bound first, so that a close for good is decided before the next try is prepared
    socket.addEventListener('close', (event) => {
      if (socket === current) end(event as Event & LineEnd)
    })
    return socket
  }

  // reconnecting-websocket knows a WebSocket class by this constant
  guarded.CLOSING = 2

  function end({ code, reason, wasClean }: LineEnd): void {
    current = undefined
    events.ended({ code, reason, wasClean })
  }

  const lines = new ReconnectingWebSocket(
    () => {
      // after an error the next try may come before the socket has said how it ended
      if (current) end(lostLine)
      return events.next()
    },
    subprotocol,
    {
      WebSocket: guarded,
      minReconnectionDelay: 0,
      reconnectionDelayGrowFactor: 1,
      // the session watches the clock itself; a timer of this length never fires, a longer one would fire at once
      connectionTimeout: 2 ** 31 - 1,
      maxEnqueuedMessages: 0,
    },
  )
  lines.addEventListener('open', () => {
    if (current) events.opened()
  })
  lines.addEventListener('message', ({ data }: { data: unknown }) => {
    if (current && typeof data === 'string') events.heard(data)
  })

  return {
    send: (text) => lines.send(text),
    drop(code, reason) {
      current = undefined
      lines.reconnect(code, reason)
    },
    close(code, reason) {
      current = undefined
      lines.close(code, reason)
    },
  }
}

/** Stands in for a socket that could not be made: it ends as one does that could not connect. */
function deadSocket(): RawSocket {
  const socket = Object.assign(new EventTarget(), { readyState: 3 } as RawSocket)
  queueMicrotask(() => socket.dispatchEvent(Object.assign(new Event('close'), lostLine)))
  return socket
}
