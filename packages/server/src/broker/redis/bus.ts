import { HookboxError, isErrorCode, isObject, type Json } from '@hookbox/protocol'
import { randomId } from '../../ids.ts'
import type { Bus } from '../broker.ts'
import type { Context } from './context.ts'
import { unavailable } from './failure.ts'
import type { RedisMailbox } from './mailbox.ts'
import { parsed } from './replies.ts'

/** Questions of other nodes that are being answered; beyond it they are refused. */
const mostAnswering = 10_000

/** Milliseconds until it is tried again to reach a node that is there and does not hear, and for which it is tried at all. */
const again = 50
const insistence = 500

interface Asked {
  readonly answered: (answer: Json) => void
  readonly failed: (error: Error) => void
}

export interface BusParts {
  readonly context: Context
  readonly mailbox: RedisMailbox
  readonly self: () => string
  /** Whether the others believe that a node is there. */
  readonly isThere: (node: string) => Promise<boolean>
}

/** Nodes that ask each other: `Q <number> <who asks> <JSON>`, answered by `A <number> <JSON>`, or `X` with an error. */
export class RedisBus implements Bus {
  readonly #parts: BusParts
  readonly #asked = new Map<string, Asked>()
  #answer: ((question: Json) => Promise<Json>) | undefined
  #answering = 0

  constructor(parts: BusParts) {
    this.#parts = parts
    parts.mailbox.read('Q', (text) => void this.#reply(text))
    parts.mailbox.read('A', (text) => this.#settle(text, (asked, json) => asked.answered(json)))
    parts.mailbox.read('X', (text) => this.#settle(text, (asked, json) => asked.failed(readError(json))))
  }

  answer(answer: (question: Json) => Promise<Json>): void {
    this.#answer = answer
  }

  async ask(node: string, question: Json): Promise<Json> {
    const { context, self } = this.#parts
    if (context.isClosed) throw unavailable('the hub has stopped')
    const number = randomId()
    return new Promise<Json>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        this.#asked.delete(number)
      }
      const failed = (error: Error) => {
        end()
        reject(error)
      }
      const { askTimeout } = context.settings
      const timer = setTimeout(() => failed(unreachable(node, `no answer within ${askTimeout} ms`)), askTimeout)
      this.#asked.set(number, {
        answered(answer) {
          end()
          resolve(answer)
        },
        failed,
      })
      this.#insist(number, node, `Q ${number} ${self()} ${JSON.stringify(question)}`).catch(failed)
    })
  }

  close(): void {
    for (const { failed } of [...this.#asked.values()]) failed(unavailable('the hub has stopped'))
  }

  /** A node that has just lost its line does not hear for a moment. Nobody heard it, so nobody hears it twice. */
  async #insist(number: string, node: string, text: string): Promise<void> {
    const { mailbox, isThere } = this.#parts
    const end = performance.now() + insistence
    while (this.#asked.has(number)) {
      if ((await mailbox.post(node, text)) > 0) return
      if (!(await isThere(node))) throw unreachable(node, 'it is not there')
      if (performance.now() > end) throw unreachable(node, 'it hears nothing')
      await new Promise((resolve) => setTimeout(resolve, again))
    }
  }

  #settle(text: string, how: (asked: Asked, json: Json) => void): void {
    const space = text.indexOf(' ')
    const asked = this.#asked.get(text.slice(0, space))
    // One that comes too late was answered already: that there was none.
    if (asked) how(asked, parsed(text.slice(space + 1)) as Json)
  }

  async #reply(text: string): Promise<void> {
    const { mailbox, context } = this.#parts
    const [, number, asker, json] = /^(\S+) (\S+) (.*)$/s.exec(text) ?? []
    if (number === undefined || asker === undefined || json === undefined) return
    try {
      await mailbox.post(asker, await this.#replyTo(number, json))
    } catch (err) {
      context.log.debug({ err }, 'could not answer another node')
    }
  }

  async #replyTo(number: string, json: string): Promise<string> {
    if (this.#answering >= mostAnswering) {
      return `X ${number} ${writeError(new HookboxError('too_many', 'too much is being asked of this node'))}`
    }
    this.#answering++
    try {
      if (!this.#answer) throw unavailable('this node answers nothing yet')
      return `A ${number} ${JSON.stringify(await this.#answer(parsed(json) as Json))}`
    } catch (error) {
      if (error instanceof HookboxError) return `X ${number} ${writeError(error)}`
      this.#parts.context.log.error({ err: error }, 'answering another node failed')
      return `X ${number} ${writeError(new HookboxError('internal', 'internal error'))}`
    } finally {
      this.#answering--
    }
  }
}

function unreachable(node: string, why: string): HookboxError {
  return unavailable(`node ${JSON.stringify(node)} cannot be reached: ${why}`)
}

function writeError({ code, message, temporary }: HookboxError): string {
  return JSON.stringify({ code, message, temporary })
}

function readError(json: Json): HookboxError {
  const { code, message, temporary } = isObject(json) ? json : {}
  if (typeof code !== 'string' || typeof message !== 'string' || !isErrorCode(code)) {
    return new HookboxError('internal', 'internal error')
  }
  return new HookboxError(code, message, typeof temporary === 'boolean' ? { temporary } : {})
}
