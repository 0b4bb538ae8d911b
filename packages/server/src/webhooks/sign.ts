import { createHmac } from 'node:crypto'

/**
 * The value of `webhook-signature` (Standard Webhooks 1.0): one signature for each secret, so that the application can
 * change its secret while both are in use.
 *
 * @param timestamp whole seconds since 1970, of this try
 */
export function sign(secrets: readonly string[], id: string, timestamp: number, body: string): string {
  const content = `${id}.${timestamp}.${body}`
  return secrets.map((secret) => `v1,${createHmac('sha256', key(secret)).update(content).digest('base64')}`).join(' ')
}

/** `whsec_` and base64, as the specification writes secrets, or any other text as it stands. */
function key(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret)
}
