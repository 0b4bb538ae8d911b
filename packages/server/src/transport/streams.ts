import type { IncomingMessage, ServerResponse } from 'node:http'
import { closeCodes, HookboxError, subprotocol } from '@hookbox/protocol'
import type { Clock } from '../clock.ts'
import { randomId } from '../ids.ts'
import type { Signals } from '../signals/signals.ts'
import type { Forwarded } from './address.ts'
import { arrivalOf } from './arrival.ts'
import { EventStreamTransport } from './event-stream.ts'
import type { Doorkeeper } from './origin.ts'
import { RelayedResponse } from './relayed-response.ts'
import { closeEvent, streamHeaders } from './stream-events.ts'
import { maxStreamBody, type ReadHead, readHead, type SendHead, sendHead } from './stream-head.ts'
import type { Accept } from './transport.ts'

export interface StreamsOptions {
  readonly doorkeeper: Doorkeeper
  readonly forwarded: (request: IncomingMessage) => Forwarded
  readonly accept: Accept
  readonly clock: Clock
  readonly signals: Signals
  /** The body as text. @throws HookboxError `too_large` beyond the limit */
  readonly readBody: (request: IncomingMessage, limit: number) => Promise<string>
  /** This node's name, and what another one that has a session does for its page. */
  readonly node: () => string
  readonly elsewhere: Elsewhere
  /** Sessions without a stream that are waited for; beyond it the one that has been away longest ends. Default 10,000. */
  readonly maxAway?: number
}

/** Another node, which has the session of a page that came to this one. Both fail with `closed` (410) where it has not, either. */
export interface Elsewhere {
  post(node: string, head: SendHead, message: string): Promise<void>
  /** What the page is to read next; empty where there is nothing for a moment. */
  read(node: string, head: Pick<ReadHead, 'ack'> & { readonly session: string }): Promise<string>
}

/** The way for pages that no WebSocket reaches: they read an event stream, or by long polling, and speak by POSTs. */
export interface Streams {
  /** Answers a page that wants to read: it opens a session, or takes one up again. */
  read(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Answers a page that says something, once the hub has it: 204. */
  send(request: IncomingMessage, response: ServerResponse): Promise<void>
  /**
   * All that a POST does, wherever it landed: a node that does not have the session can hand it to the one that has.
   *
   * @throws HookboxError `closed` (410) where the session is not here, `bad_request`, `too_many`
   */
  take(head: SendHead, message: string): void
  /**
   * What a page that reads at another node is to read next, and empty where there is nothing for {@link relayTime}.
   *
   * @throws HookboxError `closed` (410), `bad_request`
   */
  relay(session: string, ack: number): Promise<string>
  /** Sessions that can be found by their secret. */
  readonly size: number
  /** Takes no page in any more and waits for none. What is open has been closed before. */
  stop(): void
}

/** Milliseconds after which a node that has nothing to say to a page which reads at another one says so. */
const relayTime = 1_500

/** Milliseconds after which a page that reads at another node than that of its session is to ask again. */
const relayedPoll = 20_000

/** To be told why, as over a WebSocket; meets no session. */
function refuseVersion(response: ServerResponse): void {
  response.writeHead(200, streamHeaders)
  response.end(closeEvent(closeCodes.noCommonVersion, `expected the protocol ${subprotocol}`))
}

export function createStreams(options: StreamsOptions): Streams {
  const { doorkeeper, forwarded, accept, clock, signals, readBody, node, elsewhere, maxAway = 10_000 } = options
  const sessions = new Map<string, EventStreamTransport>()
  /** The one that has been away longest is first. */
  const away = new Set<EventStreamTransport>()
  let isStopping = false

  /** Any other site is refused before its body is read. A page of an allowed one may read every answer. */
  function admit(request: IncomingMessage, response: ServerResponse): string {
    const { address, host } = forwarded(request)
    response.setHeader('vary', 'origin')
    const refused = doorkeeper.refuseHost(request) ?? doorkeeper.refuseOrigin(request, host)
    if (refused !== undefined) throw new HookboxError('refused', refused)
    const { origin } = request.headers
    if (origin !== undefined) {
      response.setHeader('access-control-allow-origin', origin)
      response.setHeader('access-control-allow-credentials', 'true')
    }
    if (isStopping) throw new HookboxError('unavailable', 'the hub is stopping')
    return address
  }

  function open(request: IncomingMessage, address: string): EventStreamTransport {
    // The node's name first, so that any other one knows whom to ask.
    const secret = `${node()}${randomId()}`
    const transport = new EventStreamTransport(secret, clock, signals, {
      away() {
        away.add(transport)
        const [longest] = away
        if (away.size > maxAway) longest?.giveUp()
      },
      back: () => void away.delete(transport),
      over() {
        away.delete(transport)
        sessions.delete(secret)
      },
    })
    sessions.set(secret, transport)
    transport.serve(accept(transport, arrivalOf(request, address)))
    return transport
  }

  /** By its secret, with what its page has said to have. @throws HookboxError `closed` (410), `bad_request` */
  function find(session: string, ack: number): EventStreamTransport {
    const transport = sessions.get(session)
    if (transport === undefined) throw new HookboxError('closed', 'unknown session: connect anew')
    if (ack > transport.written) {
      throw new HookboxError('bad_request', `ack: expected at most ${transport.written}, got ${ack}`)
    }
    transport.arrived(ack)
    return transport
  }

  /** The node that has a session which is not here. */
  function nodeOf(session: string): string | undefined {
    const name = session.slice(0, session.length / 2)
    return sessions.has(session) || name === node() ? undefined : name
  }

  /** One answer at a time, as in long polling, however the page reads: between two the node that has the session forgets nothing. */
  async function readElsewhere(
    from: string,
    head: Parameters<Elsewhere['read']>[1],
    response: ServerResponse,
  ): Promise<void> {
    const until = clock.now() + relayedPoll
    while (!response.destroyed) {
      const text = await elsewhere.read(from, head)
      if (text === '' && clock.now() < until) continue
      response.writeHead(200, streamHeaders).end(text)
      return
    }
  }

  async function relay(session: string, ack: number): Promise<string> {
    const response = new RelayedResponse()
    if (!find(session, ack).attach(response, true)) throw new HookboxError('closed', 'away too long: connect anew')
    const cancel = clock.after(relayTime, () => response.end(''))
    const text = await response.text
    cancel()
    return text
  }

  function take({ session, ack, seq, close }: SendHead, message: string): void {
    if (find(session, ack).take({ seq, message, close })) return
    throw new HookboxError('too_many', `seq: too much waits for what comes before ${seq}`)
  }

  return {
    async read(request, response) {
      const address = admit(request, response)
      const { session, ack, poll, protocol } = readHead(await readBody(request, maxStreamBody))
      // Gone while its body was read: nobody would hear that it has gone.
      if (response.destroyed) return
      if (protocol !== subprotocol) return refuseVersion(response)
      const from = session === undefined ? undefined : nodeOf(session)
      if (session !== undefined && from !== undefined) return readElsewhere(from, { session, ack }, response)
      const transport = session === undefined ? open(request, address) : find(session, ack)
      if (!transport.attach(response, poll)) throw new HookboxError('closed', 'away too long: connect anew')
    },

    async send(request, response) {
      admit(request, response)
      const { head, message } = sendHead(await readBody(request, maxStreamBody))
      const to = nodeOf(head.session)
      if (to === undefined) take(head, message)
      else await elsewhere.post(to, head, message)
      response.writeHead(204, { 'cache-control': 'no-store' }).end()
    },

    take,
    relay,

    get size() {
      return sessions.size
    },

    stop() {
      isStopping = true
      for (const transport of sessions.values()) transport.stop()
    },
  }
}
