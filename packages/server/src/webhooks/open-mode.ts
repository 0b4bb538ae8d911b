import { randomId } from '../ids.ts'
import type { CallbackFunctions } from './functions.ts'

/**
 * The callbacks of open mode, for trying out: everyone is admitted, named by `name` in the connect payload or `guest-…`, and
 * every channel is presenceful, reflective and keeps 50 entries (contract: Open mode).
 */
export const openMode: CallbackFunctions = {
  connect: ({ payload }) => ({ name: nameIn(payload) ?? `guest-${randomId().slice(0, 8)}` }),
  create_channel: () => ({ moderated: false, presenceful: true, reflective: true, history_size: 50 }),
}

function nameIn(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null || !('name' in payload)) return undefined
  return typeof payload.name === 'string' && payload.name !== '' ? payload.name : undefined
}
