import { HookboxError } from '../packages/protocol/src/errors.ts'
import type { Hub } from '../packages/server/src/hub/hub.ts'
import { channelMethods } from '../packages/server/src/rest/channel-methods.ts'
import type { Given, Method } from '../packages/server/src/rest/fields.ts'
import { serverMethods } from '../packages/server/src/rest/server-methods.ts'
import { userMethods } from '../packages/server/src/rest/user-methods.ts'

/** A field that a REST method takes. */
export interface RestField {
  /** `*` stands for all fields that the method does not name. */
  readonly name: string
  /** Other names that it may come under. */
  readonly also: readonly string[]
  readonly required: boolean
}

/** Ends a method where it would begin to act. */
class Reached extends Error {
  readonly args: unknown

  constructor(args: unknown) {
    super('reached')
    this.args = args
  }
}

const hub = new Proxy(
  {},
  {
    get:
      () =>
      (...args: unknown[]) => {
        throw new Reached(args)
      },
  },
) as Hub

/** Every REST method there is. */
export const restMethods: { readonly [name: string]: Method } = {
  ...channelMethods(hub, false),
  ...userMethods(hub),
  ...serverMethods(hub, ''),
}

/** Notes which fields a method looks for, since methods keep their checks to themselves. */
class Fields extends Map<string, Given> {
  readonly found = new Map<string, string[]>()
  #tried: string[] = []

  override has(field: string): boolean {
    this.#tried.push(field)
    return super.has(field)
  }

  override get(field: string): Given | undefined {
    const [name = field, ...also] = this.#tried
    this.found.set(name, also)
    this.#tried = []
    return super.get(field)
  }
}

const stranger = 'a field that no method names'

/** The fields of a method, found out by running it: what is required it says itself, by its error. */
export async function fieldsOf(method: Method): Promise<readonly RestField[]> {
  const required = new Map<string, Given>()
  for (;;) {
    const fields = new Fields([...required, [stranger, { value: 1 }]])
    const thrown = await method.run(fields).then(
      () => new Error('a method ended without the hub'),
      (error: unknown) => error,
    )
    if (thrown instanceof Reached) {
      const named = [...fields.found].map(([name, also]) => ({ name, also, required: required.has(name) }))
      const takesAny = JSON.stringify(thrown.args).includes(stranger)
      return takesAny ? [...named, { name: '*', also: [], required: false }] : named
    }
    if (!(thrown instanceof HookboxError)) throw thrown
    const [missing = ''] = thrown.message.split(':')
    if (required.has(missing)) throw thrown
    required.set(missing, { value: 'x' })
  }
}
