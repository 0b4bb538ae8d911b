import type { Script } from '../script.ts'
import { channelScripts } from './channel.ts'
import { leaseScripts } from './lease.ts'
import { nodeScripts } from './node.ts'
import { strikeOut } from './strike-out.ts'
import { userScripts } from './user.ts'

/** Every script there is: a server knows all of them before anything is asked of it. */
export const allScripts: readonly Script[] = [
  ...channelScripts,
  ...userScripts,
  ...leaseScripts,
  ...nodeScripts,
  strikeOut,
]
