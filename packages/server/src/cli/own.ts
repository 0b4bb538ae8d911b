import { HookboxError } from '@hookbox/protocol'
import type { Given } from '../config/load.ts'
import { ConfigError } from '../config/options.ts'

/** The value of a flag that counts once: the last one. */
export function lastOf({ own }: Given, flag: string): string | undefined {
  return own.get(flag)?.at(-1)
}

/** @throws ConfigError where there are words that the command has no use for */
export function noWords({ positionals }: Given): void {
  const [word] = positionals
  if (word !== undefined) throw new ConfigError(`${JSON.stringify(word)}: expected options only`)
}

/**
 * The `Cookie` header of all `--cookie` flags, each of which holds one or more pairs. What is wrong with it is told without
 * showing it.
 *
 * @throws ConfigError
 */
export function cookiesOf({ own }: Given): string | undefined {
  const pairs = (own.get('cookie') ?? []).flatMap((header) => header.split(';').map((pair) => pair.trim()))
  for (const pair of pairs) {
    if (!/^[^=\s]+=/.test(pair))
      throw new ConfigError('--cookie: expected name=value, or several with semicolons between them')
    if (/\p{Cc}/u.test(pair)) throw new ConfigError('--cookie: expected no control characters')
  }
  return pairs.length === 0 ? undefined : pairs.join('; ')
}

/** What a check of the protocol says of something given, as a mistake of whoever gave it. */
export function checked<T>(check: () => T): T {
  try {
    return check()
  } catch (cause) {
    throw cause instanceof HookboxError ? new ConfigError(cause.message, { cause }) : cause
  }
}
