import { HookboxError } from '../packages/protocol/src/errors.ts'
import type { ApplicationVerbs } from '../packages/server/src/hub/application-verbs.ts'
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

function reach(...args: unknown[]): never {
  throw new Reached(args)
}

const application = new Proxy({}, { get: () => reach }) as ApplicationVerbs
const hub = { application, nodes: application } as unknown as Hub

/** Every REST method there is. */
export const restMethods: { readonly [name: string]: Method } = {
  ...channelMethods(application, false),
  ...userMethods(application),
  ...serverMethods(hub, '', reach),
}

/** Notes which fields a method looks for, since methods keep their checks to themselves. */
class Fields extends Map<string, Given> {
  readonly #found: Map<string, string[]>
  #tried: string[] = []

  /** `found`: each field, with the other names that it was looked for under while it was missing. */
  constructor(given: Iterable<[string, Given]>, found: Map<string, string[]>) {
    super(given)
    this.#found = found
  }

  override has(field: string): boolean {
    this.#tried.push(field)
    return super.has(field)
  }

  override get(field: string): Given | undefined {
    const [name = field, ...also] = this.#tried
    if (!this.#found.has(name)) this.#found.set(name, also)
    this.#tried = []
    return super.get(field)
  }
}

const stranger = 'a field that no method names'

/** The fields of a method, found out by running it: what is required it says itself, by its error. */
export async function fieldsOf(method: Method): Promise<readonly RestField[]> {
  const required = new Map<string, Given>()
  const found = new Map<string, string[]>()
  for (;;) {
    const fields = new Fields([...required, [stranger, { value: 1 }]], found)
    const thrown = await method.run(fields).then(
      () => new Error('a method ended without the hub'),
      (error: unknown) => error,
    )
    if (thrown instanceof Reached) {
      const named = [...found].map(([name, also]) => ({ name, also, required: required.has(name) }))
      const takesAny = JSON.stringify(thrown.args).includes(stranger)
      return takesAny ? [...named, { name: '*', also: [], required: false }] : named
    }
    if (!(thrown instanceof HookboxError)) throw thrown
    const [missing = ''] = thrown.message.split(':')
    if (required.has(missing)) throw thrown
    required.set(missing, { value: 'x' })
  }
}
