import { subprotocol } from '@hookbox/protocol'
import ReconnectingWebSocket from 'reconnecting-websocket'
import type { LineEnd, LineEvents, Transport, WebSocketConstructor, WebSocketLike } from './transport.ts'

type RawSocket = WebSocketLike & EventTarget

/**
 * Lines by WebSocket, opened and opened again by reconnecting-websocket, behind guards for what it leaves open: when the
 * next try is due is decided outside (its own waits cannot be hurried), what happens is heard from the socket itself (it
 * reports 1000 after an error), a constructor that throws counts as a line that ended (it would never try again), and what
 * is sent goes to the socket itself (its queue goes out before any handshake). An instance is never used again after `close`.
 */
export function openWebSocket(pick: () => WebSocketConstructor, events: LineEvents): Transport {
  /** The socket whose end is still to be told. */
  let current: RawSocket | undefined

  function guarded(url: string): RawSocket {
    let socket: RawSocket
    try {
      socket = new (pick())(url, subprotocol) as RawSocket
    } catch (cause) {
      events.failed(cause)
      socket = deadSocket()
    }
    current = socket
    const listen = <Told>(name: string, hear: (event: Told) => void): void => {
      socket.addEventListener(name, (event) => {
        if (socket === current) hear(event as Told)
      })
    }
    listen('open', events.opened)
    listen('message', ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') events.heard(data)
    })
    // bound before the next try is prepared, so that a close for good is decided first
    listen('close', end)
    // without one of its own the `ws` package throws when a socket is closed before it has opened; what is built knows no other
    listen('error', () => lines.reconnect())
    return socket
  }

  // reconnecting-websocket knows a WebSocket class by this constant
  guarded.CLOSING = 2

  /** Without a word of how, it ends as a line does that nobody closed. */
  function end({ code = 1006, reason = '', wasClean = false }: Partial<LineEnd>): void {
    current = undefined
    events.ended({ code, reason, wasClean })
  }

  const lines = new ReconnectingWebSocket(
    () => {
      // after an error the next try may come before the socket has said how it ended
      if (current) end({})
      return events.next()
    },
    undefined,
    {
      WebSocket: guarded,
      minReconnectionDelay: 0,
      reconnectionDelayGrowFactor: 1,
      // the session watches the clock itself; a timer of this length never fires, a longer one would fire at once
      connectionTimeout: 2 ** 31 - 1,
    },
  )

  return {
    send(text) {
      if (current?.readyState === 1) current.send(text)
    },
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
  const socket = Object.assign(new EventTarget(), { close() {} } as RawSocket)
  queueMicrotask(() => socket.dispatchEvent(new Event('close')))
  return socket
}
