import { setTimeout as pause } from 'node:timers/promises'
import { startTcpProxy, type TcpProxy } from '@hookbox/testkit'
import type { Fact, Outcome } from './facts.ts'
import { read } from './page.ts'
import type { Failed } from './scenario.ts'

/** The web application's REST calls, over a line that can be cut as any other. */
export interface Publisher {
  readonly proxy: TcpProxy
  /** Asks again under the same message id until there is an answer, as an application would that must not lose anything. */
  publish(channel: string, pad: string): Promise<Outcome>
  /** Asks once: what becomes of it may be nobody's knowledge. */
  tryOnce(channel: string): Promise<Failed>
  setState(channel: string, key: string, value: number): Promise<void>
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly position?: unknown
  readonly code?: unknown
}

/** Milliseconds for which one publish is tried. */
const patience = 60_000

export async function startPublisher(
  name: string,
  { port, secret, take }: { port: number; secret: string; take: (fact: Fact) => void },
): Promise<Publisher> {
  const proxy = await startTcpProxy(port)
  let published = 0
  let closed = false

  /** Undefined where there was no answer: the line was cut, or the hub is away. */
  async function call(method: string, fields: object): Promise<Answer | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${proxy.port}/rest/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
        body: JSON.stringify(fields),
        signal: AbortSignal.timeout(5_000),
      })
      const [, details] = (await response.json()) as [boolean, Omit<Answer, 'status'>]
      return { ...details, status: response.status }
    } catch {
      return undefined
    }
  }

  async function tryOnce(channel: string): Promise<Failed> {
    const id = `${name}/${++published}`
    take({ fact: 'publish', id, publisher: name, channel })
    const begun = Date.now()
    const fields = { channel_name: channel, payload: { id }, message_id: id, originator: name }
    const { position, code } = (await call('publish', fields)) ?? {}
    const stored = typeof position === 'string' ? read(position) : undefined
    take({ fact: 'settle', id, outcome: stored ?? 'unknown' })
    return { code: typeof code === 'string' ? code : undefined, after: Date.now() - begun }
  }

  async function publish(channel: string, pad: string): Promise<Outcome> {
    const id = `${name}/${++published}`
    take({ fact: 'publish', id, publisher: name, channel })
    const outcome = await ask(id, channel, pad)
    take({ fact: 'settle', id, outcome })
    return outcome
  }

  async function ask(id: string, channel: string, pad: string): Promise<Outcome> {
    const fields = { channel_name: channel, payload: { id, pad }, message_id: id, originator: name }
    const until = Date.now() + patience
    let wasSent = false
    while (Date.now() < until && !closed) {
      const answer = await call('publish', fields)
      const position = typeof answer?.position === 'string' ? read(answer.position) : undefined
      if (position !== undefined) return position
      // Without the channel (a hub that began anew has none before a page is back) nothing is stored, now.
      if (answer?.status === 404 && !wasSent) return 'not stored'
      // Where the hub could not do it in time, it may be done all the same.
      wasSent ||= answer === undefined || answer.status >= 500
      await pause(20)
    }
    return 'unknown'
  }

  return {
    proxy,
    publish,
    tryOnce,
    async setState(channel, key, value) {
      await call('state_set_key', { channel_name: channel, key, val: value })
    },
    async close() {
      closed = true
      await proxy[Symbol.asyncDispose]()
    },
  }
}
