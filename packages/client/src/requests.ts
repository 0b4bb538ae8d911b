import { type ClientArgs, type ClientFrameName, type ErrorCode, HookboxError, type ServerArgs } from '@hookbox/protocol'

/** Undefined members are left out on the wire. */
export type Given<Args> = { readonly [Name in keyof Args]: Args[Name] | undefined }

/** Frame number → who waits for the answer. */
export interface Requests {
  /**
   * Of `done` and `failed` one is called, unless the line is lost first: then neither is. `args` may be JSON text already.
   */
  ask<Name extends ClientFrameName, Answer>(
    name: Name,
    args: Given<ClientArgs[Name]> | string,
    done: (answer: Answer) => void,
    failed: (error: HookboxError) => void,
  ): void
  answered(id: number, name: string, args: object): void
  /** The line is gone, and with it every answer. */
  lineLost(): void
}

export function createRequests(send: (text: string) => void): Requests {
  let pending = new Map<number, (name: string, args: never) => void>()
  let last = 0

  return {
    ask(name, args, done, failed) {
      pending.set(++last, (name, answer) => (name === 'ERROR' ? failed(toError(answer)) : done(answer)))
      send(`[${last},"${name}",${typeof args === 'string' ? args : JSON.stringify(args)}]`)
    },
    answered(id, name, args) {
      pending.get(id)?.(name, args as never)
      pending.delete(id)
    },
    lineLost() {
      pending = new Map()
    },
  }
}

/** Whether it is temporary the hub says itself, as it may say a code that this version does not know. */
export function toError({ code, message, temporary }: ServerArgs['ERROR']): HookboxError {
  return new HookboxError(code as ErrorCode, message, { temporary })
}
