import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { Serial } from '../serial.ts'

/** Whether somebody knows the password. Slow on purpose. @throws HookboxError `too_many` while too many others ask */
export type KnowsPassword = (given: string, password: string) => Promise<boolean>

/** 32 MiB and some 50 ms for each try. */
const cost = { N: 32_768, r: 8, p: 1, maxmem: 67_108_864 }

/** Tries that wait for the one before them: more at once would take memory and processors from the hub itself. */
const maxWaiting = 16

export function createKnowsPassword(): KnowsPassword {
  const turns = new Serial(maxWaiting)
  /** Of the password as it is at present. */
  let known: { readonly password: string; readonly salt: Buffer; readonly key: Buffer } | undefined

  return (given, password) =>
    turns.run(async () => {
      if (known?.password !== password) {
        const salt = randomBytes(16)
        known = { password, salt, key: await derive(password, salt) }
      }
      return timingSafeEqual(await derive(given, known.salt), known.key)
    })
}

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, 32, cost, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
