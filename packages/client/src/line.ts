import { closeAsleep, closeNormal, closeSilent, comesBack, HookboxError } from '@hookbox/protocol'
import { createBatch } from './batch.ts'
import type { Emitter } from './emitter.ts'
import type { ConnectionStatus, LoggedEvents, StatusEvent } from './events.ts'
import { type Backoff, createWatchdog, delayBefore } from './reconnect.ts'
import type { Surroundings } from './surroundings.ts'
import type { LineEnd, LineEvents, Transport } from './transport/transport.ts'
import { listenToPage } from './wake.ts'
import type { Writable } from './writable.ts'

/** Milliseconds for a line to open. */
const opening = 10_000

/** A connection that lasted this long was a good one: the next break starts with short waits again. */
const lasting = 5_000

/** How a line is kept. */
export interface LineSettings {
  readonly backoff?: Backoff | undefined
  /** Milliseconds that the hub may take to agree. */
  readonly timeout: number
  /** The hub's WebSocket address. */
  readonly address: string
  readonly open: (events: LineEvents) => Transport
}

/** What goes over a line; `session.ts` is the one that talks. */
export interface Talk {
  /** The line is open: the handshake is due. */
  opened(): void
  heard(text: string): void
  /** It has ended, and with it every answer. Told before handlers are; `back` says whether another one follows. */
  ended(end: LineEnd, back: boolean): void
}

/** One line to the hub at a time, kept as long as it lives and replaced when it is lost. */
export interface Line {
  readonly status: ConnectionStatus
  /** Whether frames can be sent. */
  readonly open: boolean
  /** Grows with every end of a line: what began before belongs to another one. */
  readonly number: number
  send(frame: string): void
  /**
   * The hub has agreed, and tells something at least every `silence` milliseconds, where it says so. Whether it is so still
   * when handlers have been told.
   */
  connected(silence: number | undefined): boolean
  /** Gives the line up, as the hub seems gone or its state unknown, and comes back. */
  drop(code: number, reason: string): void
  /** Ends it for good. */
  disconnect(): void
  /** Milliseconds to wait before try `n`. */
  waitBefore(n: number): number
}

export function createLine(
  { backoff, timeout, address, open }: LineSettings,
  around: Surroundings,
  events: Emitter<LoggedEvents>,
  talk: Talk,
): Line {
  const { now } = around
  let phase: Exclude<ConnectionStatus, 'offline'> = 'connecting'
  let told: StatusEvent = { status: 'connecting' }
  let offline = false
  let tries = 0
  /** When the next try is due; undefined while the page sleeps, and then only waking up brings one. */
  let due: number | undefined = now()
  /** Tries, where a try waits until it is due. */
  let goOn: (() => void) | undefined
  let connectedAt = 0

  const batch = createBatch((message) => {
    events.tell('sent', message)
    transport.send(message)
  })
  const watch = createWatchdog(around, () => (goOn ? goOn() : drop(closeSilent, 'nothing heard')))
  const waitBefore = (n: number) => delayBefore(n, backoff, around.random)

  const transport = open({
    next: () =>
      new Promise((resolve) => {
        if (phase === 'closed') return
        goOn = () => {
          goOn = undefined
          phase = 'connecting'
          watch.expect(opening)
          tellStatus()
          resolve(address)
        }
        watch.expect(due && due - now())
      }),
    opened() {
      line.open = true
      watch.expect(timeout)
      talk.opened()
      batch.sendNow()
    },
    heard(text) {
      watch.heard()
      events.tell('heard', text)
      offline = false
      talk.heard(text)
      tellStatus()
    },
    ended,
    failed(cause) {
      events.tell('error', new HookboxError('unavailable', 'no line opened', { cause }))
    },
  })
  const stopListening = listenToPage(around, {
    wake() {
      setOffline(false)
      watch.lookNow()
      if (phase === 'waiting') {
        due = now()
        goOn?.()
      }
    },
    offline: () => setOffline(true),
    sleep() {
      if (phase === 'waiting') {
        due = undefined
        watch.expect()
        tellStatus()
      } else drop(closeAsleep, 'asleep')
    },
  })

  function tellStatus(): void {
    const retryAt = phase === 'waiting' ? due : undefined
    const { status } = line
    if (status === told.status && retryAt === told.retryAt) return
    told = { status, retryAt }
    events.tell('status', told)
  }

  function drop(code: number, reason: string): void {
    if (phase === 'closed') return
    transport.drop(code, reason)
    ended({ code, reason, wasClean: code === closeAsleep })
  }

  function ended(end: LineEnd): void {
    if (phase === 'closed') return
    const wasConnected = phase === 'connected'
    const back = comesBack(end.code)
    line.number++
    line.open = false
    watch.expect()
    batch.clear()
    if (wasConnected && now() - connectedAt >= lasting) tries = 0
    due = end.code === closeAsleep ? undefined : now() + waitBefore(++tries)
    phase = back ? 'waiting' : 'closed'
    if (!back) {
      // ends the tries of the transport, also when it was the hub that closed
      transport.close(closeNormal, 'disconnected')
      stopListening()
    }
    talk.ended(end, back)
    events.tell('close', { ...end, wasConnected, comesBack: back })
    tellStatus()
  }

  function setOffline(is: boolean): void {
    offline = is
    tellStatus()
  }

  const line: Writable<Line> = {
    get status() {
      return offline && phase !== 'closed' ? 'offline' : phase
    },
    open: false,
    number: 0,
    send: batch.add,
    connected(silence) {
      phase = 'connected'
      connectedAt = now()
      watch.expect(silence)
      tellStatus()
      return phase === 'connected'
    },
    drop,
    disconnect() {
      batch.sendNow()
      ended({ code: closeNormal, reason: 'disconnected', wasClean: true })
    },
    waitBefore,
  }
  return line
}
