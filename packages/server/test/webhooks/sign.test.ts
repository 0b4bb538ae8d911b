import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { sign } from '../../src/webhooks/sign.ts'

const secret = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`
const body = 'action=publish&payload=%22h%C3%A9%22'

function headers(signature: string, timestamp: number) {
  return { 'webhook-id': 'id1', 'webhook-timestamp': String(timestamp), 'webhook-signature': signature }
}

const now = Math.floor(Date.now() / 1_000)

test('an independent library accepts the signature', () => {
  const signature = sign([secret], 'id1', now, body)
  expect(signature).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/)
  expect(() => verify(new Webhook(secret), body, headers(signature, now))).not.toThrow()
  expect(() => verify(new Webhook(secret), `${body}x`, headers(signature, now))).toThrow()
  expect(() => verify(new Webhook(secret), body, headers(signature, now + 1))).toThrow()
})

test('a secret that is any text is used as it stands', () => {
  const raw = new Webhook('correct horse battery staple', { format: 'raw' })
  const signature = sign(['correct horse battery staple'], 'id1', now, body)
  expect(() => verify(raw, body, headers(signature, now))).not.toThrow()
})

test('with two secrets each alone verifies, so that a secret can be changed', () => {
  const signature = sign([secret, 'other'], 'id1', now, body)
  expect(signature.split(' ')).toHaveLength(2)
  for (const one of [new Webhook(secret), new Webhook('other', { format: 'raw' })]) {
    expect(() => verify(one, body, headers(signature, now))).not.toThrow()
  }
})

test('the signature is the one that the specification prescribes', () => {
  const signature = sign(
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1614265330,
    '{"test": 2432232314}',
  )
  expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

/** The library parses what it has verified as JSON, which a form is not. */
function verify(webhook: Webhook, payload: string, given: Record<string, string>): void {
  try {
    webhook.verify(payload, given)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
}
