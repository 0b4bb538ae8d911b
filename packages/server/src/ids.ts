import { randomBytes } from 'node:crypto'

/** Drawn at once for this many ids, as each call into the system costs as much as many ids. */
const drawn = 256
const size = 16

let pool = Buffer.alloc(0)
let used = 0

/** 128 random bits as 32 hex digits: connection ids, epochs, webhook ids, tickets. */
export function randomId(): string {
  if (used === pool.length) {
    pool = randomBytes(drawn * size)
    used = 0
  }
  const id = pool.toString('hex', used, used + size)
  // Whoever reads this memory later finds none that is in use.
  pool.fill(0, used, used + size)
  used += size
  return id
}
