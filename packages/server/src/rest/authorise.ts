import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { HookboxError } from '@hookbox/protocol'
import type { Handler } from '../http/router.ts'
import type { Given, GivenFields } from './fields.ts'
import { readGiven } from './given.ts'

/** The names under which the secret may stand among the fields. */
export const secretFields: readonly string[] = ['security_token', 'secret']

/** Lets those see what the handler answers who show the secret of the REST interface; throws for all others. */
export function withSecret(handle: Handler, secrets: () => readonly string[]): Handler {
  return async (request, response, rest) => {
    const accepted = needSecrets(secrets())
    try {
      authorise(request, await readGiven(request), accepted)
    } catch (error) {
      if (error instanceof HookboxError && error.code === 'unauthorized')
        response.setHeader('www-authenticate', 'Bearer')
      throw error
    }
    await handle(request, response, rest)
  }
}

/** The secrets that open the interface. @throws HookboxError `disabled` where there is none */
export function needSecrets(secrets: readonly string[]): readonly string[] {
  const accepted = secrets.filter((secret) => secret !== '')
  if (accepted.length > 0) return accepted
  throw new HookboxError('disabled', 'the REST interface is off, as it has no secret; set one by --api-security-token')
}

/** @throws HookboxError `unauthorized`, where none of the secrets is shown, or a wrong one */
export function authorise(request: IncomingMessage, given: GivenFields, accepted: readonly string[]): void {
  const [, bearer] = /^bearer +(.+)$/i.exec(request.headers.authorization ?? '') ?? []
  const shown = [bearer, ...secretFields.map((field) => asText(given.get(field)))].filter((one) => one !== undefined)
  if (shown.length === 0) {
    throw new HookboxError('unauthorized', 'security_token: expected the secret of the REST interface, got nothing')
  }
  // Everything is compared, so that the time taken tells nothing.
  const matches = shown.flatMap((one) => accepted.map((secret) => same(one, secret)))
  if (!matches.includes(true)) throw new HookboxError('unauthorized', 'security_token: wrong secret')
}

function asText(given: Given | undefined): string | undefined {
  if (given === undefined) return undefined
  const value = 'text' in given ? given.text : given.value
  return typeof value === 'string' ? value : undefined
}

/** In a time that does not depend on how much is right. */
function same(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
