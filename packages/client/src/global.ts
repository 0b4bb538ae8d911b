import type { Json } from '@hookbox/protocol'
import type { ConnectOptions } from './connection.ts'
import { connectLegacy, type LegacyConnection } from './legacy.ts'
import { realSurroundings } from './surroundings.ts'
import { fallback } from './transport/choose.ts'

export { HookboxError } from '@hookbox/protocol'
export { logging } from './legacy.ts'

/** What a `<script>` tag brings: the global `hookbox`, as in `hookbox.connect(url)`. */
export function connect(url: string, second?: Json | ConnectOptions, cookieString?: string): LegacyConnection {
  return connectLegacy(realSurroundings(), url, second, cookieString, { fallback })
}
