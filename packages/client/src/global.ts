import type { Json } from '@hookbox/protocol'
import type { ConnectOptions } from './connection.ts'
import type { Log } from './events.ts'
import { inspect } from './inspect.ts'
import { connectLegacy, type LegacyConnection } from './legacy.ts'
import { realSurroundings } from './surroundings.ts'
import { fallback } from './transport/choose.ts'

export { HookboxError } from '@hookbox/protocol'
export { logging } from './legacy.ts'

/** The script's own global, on which a page may set the switch. */
type Global = { readonly hookbox?: { readonly debug?: unknown } }

let connections = 0

/** What a `<script>` tag brings: the global `hookbox`, as in `hookbox.connect(url)`. */
export function connect(url: string, second?: Json | ConnectOptions, cookieString?: string): LegacyConnection {
  return connectLegacy(realSurroundings(), url, second, cookieString, { fallback, log: debugging() })
}

/** Shows what the connection does while `hookbox.debug` is set, which may be at any time. */
function debugging(): Log {
  connections++
  const show = inspect({ label: connections > 1 ? `hookbox ${connections}` : 'hookbox' })
  return (text, details) => {
    if ((globalThis as Global).hookbox?.debug) show(text, details)
  }
}
