import { HookboxError } from '@hookbox/protocol'
import type { OtherNodes } from '../hub/other-nodes.ts'
import type { Log } from '../log.ts'
import { createKnowsPassword } from './password.ts'
import { nodeOfSession, type Sessions } from './sessions.ts'
import type { Tries } from './tries.ts'

export interface EntranceParts {
  readonly nodes: Pick<OtherNodes, 'ask' | 'names' | 'self'>
  readonly sessions: Sessions
  readonly tries: Tries
  /** As it is at present. @throws HookboxError `disabled` where there is none */
  readonly password: () => string
  readonly log: Log
}

/** Lets operators in, whichever node they come to, and knows them again at every other one. */
export class Entrance {
  readonly #parts: EntranceParts
  readonly #knows = createKnowsPassword()

  constructor(parts: EntranceParts) {
    this.#parts = parts
  }

  /**
   * Gives the secret of a session.
   *
   * @throws HookboxError `unauthorized`; TooManyTries
   */
  async signIn(address: string, given: string): Promise<string> {
    const { nodes, sessions, log, tries } = this.#parts
    const password = this.#parts.password()
    // One node counts for all, whichever they come to; where it cannot, each does by itself.
    const [counting = nodes.self] = (await nodes.names()).sort()
    const wait = await nodes.ask(counting, 'tryPassword', { address }).catch(() => tries.begin(address))
    if (wait > 0) throw new TooManyTries(wait)
    if (!(await this.#knows(given, password))) {
      log.warn({ address }, 'somebody gave a wrong password at the console')
      throw new HookboxError('unauthorized', 'wrong password')
    }
    await nodes.ask(counting, 'knewPassword', { address }).catch(() => tries.succeeded(address))
    log.info({ address }, 'somebody signed in at the console')
    return sessions.open(nodes.self, password)
  }

  /** The one of these secrets whose session goes on. With `act` somebody has just done something under it. */
  async find(secrets: readonly string[], does: 'ask' | 'act'): Promise<string | undefined> {
    for (const secret of secrets) if (await this.#do(secret, does)) return secret
    return undefined
  }

  async signOut(secret: string): Promise<void> {
    await this.#do(secret, 'end')
  }

  /** A session is the node's at which it began, by whatever name that was then. */
  async #do(secret: string, does: 'ask' | 'act' | 'end'): Promise<boolean> {
    const { nodes, sessions } = this.#parts
    if (!/^[0-9a-f]{64}$/.test(secret)) return false
    const here = sessions.goesOn(secret, this.#parts.password(), does === 'act')
    if (here && does === 'end') sessions.end(secret)
    if (here) return true
    const node = nodeOfSession(secret)
    if (node === nodes.self || !(await nodes.names()).includes(node)) return false
    // Of a node that does not answer nobody knows; whoever looks signs in again.
    return nodes.ask(node, 'operator', { session: secret, does }).catch(() => false)
  }
}

/** The password was tried too often. */
export class TooManyTries extends HookboxError {
  /** Seconds. */
  readonly wait: number

  constructor(milliseconds: number) {
    const wait = Math.ceil(milliseconds / 1_000)
    const words = wait < 60 ? `${wait} seconds` : `${Math.ceil(wait / 60)} minutes`
    super('too_many', `too many tries: wait ${words}`)
    this.wait = wait
  }
}
