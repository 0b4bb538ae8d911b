import { type ClientArgs, type ClientFrameName, HookboxError, isErrorCode, type ServerFrame } from '@hookbox/protocol'
import { late } from './giving-up.ts'
import type { Surroundings } from './surroundings.ts'

/** Undefined members are left out on the wire. */
export type Given<Args> = { readonly [Name in keyof Args]: Args[Name] | undefined }

/** Frame number → who waits for the answer. */
export interface Requests {
  /**
   * Of `done` and `failed` one is called, unless the line is lost first: then neither is. Without `timeout` the answer may
   * take as long as the line lasts; beyond it, `timeout` is the failure.
   */
  ask<Name extends ClientFrameName, Answer>(
    name: Name,
    args: Given<ClientArgs[Name]>,
    done: (answer: Answer) => void,
    failed: (error: HookboxError) => void,
    timeout?: number,
  ): void
  /** The same with arguments that are JSON text already. */
  askText<Answer>(
    name: ClientFrameName,
    args: string,
    done: (answer: Answer) => void,
    failed: (error: HookboxError) => void,
    timeout?: number,
  ): void
  answered(frame: ServerFrame): void
  /** The line is gone, and with it every answer. */
  lost(): void
}

export function createRequests({ after }: Surroundings, send: (text: string) => void): Requests {
  const pending = new Map<number, (answer?: ServerFrame) => void>()
  let last = 0

  const askText: Requests['askText'] = (name, args, done, failed, timeout) => {
    const id = ++last
    const cancel =
      timeout !== undefined &&
      after(timeout, () => {
        pending.delete(id)
        failed(late(name, timeout))
      })
    pending.set(id, (frame) => {
      if (cancel) cancel()
      if (frame?.name === 'ERROR') failed(toError(frame.args))
      else if (frame) done(frame.args as never)
    })
    send(`[${id},"${name}",${args}]`)
  }

  return {
    ask: (name, args, ...rest) => askText(name, JSON.stringify(args), ...rest),
    askText,
    answered(frame) {
      const settle = pending.get(frame.id)
      pending.delete(frame.id)
      settle?.(frame)
    },
    lost() {
      for (const forget of pending.values()) forget()
      pending.clear()
    },
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
