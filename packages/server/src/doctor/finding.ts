import type { WebhookName } from '../webhooks/callbacks.ts'

/** One thing that was looked at, in a plain sentence. */
export interface Finding {
  /** `note`: nothing is wrong, and its owner may want to know. */
  readonly kind: 'right' | 'note' | 'wrong'
  /** A word for programs, which stays when the sentence is put better. */
  readonly code: string
  /** The webhook that it is about. */
  readonly webhook?: WebhookName
  readonly says: string
  /** What to do about it. */
  readonly mend?: string
}

export function right(code: string, says: string): Finding {
  return { kind: 'right', code, says }
}

export function note(code: string, says: string, mend?: string): Finding {
  return { kind: 'note', code, says, ...(mend === undefined ? {} : { mend }) }
}

export function wrong(code: string, says: string, mend?: string): Finding {
  return { kind: 'wrong', code, says, ...(mend === undefined ? {} : { mend }) }
}
