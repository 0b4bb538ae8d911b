import { type ClientArgs, type ClientFrameName, HookboxError, isErrorCode, type ServerFrame } from '@hookbox/protocol'
import { late } from './giving-up.ts'
import type { Cancel, Surroundings } from './surroundings.ts'

/** What comes of a request, unless the line is lost first: then neither is called. */
export interface Answer<Args> {
  done(args: Args): void
  failed(error: HookboxError): void
}

/** Undefined members are left out on the wire. */
export type Given<Args> = { readonly [Name in keyof Args]: Args[Name] | undefined }

interface Pending {
  readonly answer: Answer<never>
  readonly cancel: Cancel | undefined
}

/** Frame number → who waits for the answer. */
export class Requests {
  readonly #around: Surroundings
  readonly #send: (text: string) => void
  readonly #pending = new Map<number, Pending>()
  #last = 0

  constructor(around: Surroundings, send: (text: string) => void) {
    this.#around = around
    this.#send = send
  }

  /** Without `timeout` the answer may take as long as the line lasts. Beyond it, `timeout` is the failure. */
  ask<Name extends ClientFrameName, Args>(
    name: Name,
    args: Given<ClientArgs[Name]>,
    answer: Answer<Args>,
    timeout?: number,
  ): void {
    this.askText(name, JSON.stringify(args), answer, timeout)
  }

  /** The same with arguments that are JSON text already. */
  askText<Args>(name: ClientFrameName, args: string, answer: Answer<Args>, timeout?: number): void {
    const id = ++this.#last
    const cancel =
      timeout === undefined
        ? undefined
        : this.#around.after(timeout, () => {
            this.#pending.delete(id)
            answer.failed(late(name, timeout))
          })
    this.#pending.set(id, { answer, cancel })
    this.#send(`[${id},"${name}",${args}]`)
  }

  answered(frame: ServerFrame): void {
    const pending = this.#pending.get(frame.id)
    if (pending === undefined) return
    this.#pending.delete(frame.id)
    pending.cancel?.()
    if (frame.name === 'ERROR') pending.answer.failed(toError(frame.args))
    else pending.answer.done(frame.args as never)
  }

  /** The line is gone, and with it every answer. */
  lost(): void {
    for (const { cancel } of this.#pending.values()) cancel?.()
    this.#pending.clear()
  }
}

/** A code that this version does not know is treated as `internal`; whether it is temporary the hub says itself. */
export function toError({
  code,
  message,
  temporary,
}: {
  code: string
  message: string
  temporary: boolean
}): HookboxError {
  return new HookboxError(isErrorCode(code) ? code : 'internal', message, { temporary })
}
