import { randomBytes } from 'node:crypto'

/** 128 random bits as 32 hex digits: connection ids, epochs, webhook ids, tickets. */
export function randomId(): string {
  return randomBytes(16).toString('hex')
}
