/** A close frame has room for 123 bytes (RFC 6455 §5.5). */
const maxReason = 123

/** Cuts a reason to the bytes that a close frame has room for, never within a character. */
export function cutReason(reason: string): string {
  const bytes = Buffer.from(reason)
  let end = Math.min(bytes.length, maxReason)
  while (end < bytes.length && isContinuation(bytes[end])) end--
  return bytes.toString('utf8', 0, end)
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}
