// Those that pages know stand by themselves too, as no bundler leaves out the rest of a table.

/** Bytes of one frame. */
export const frameLimit = 65_536

/** Bytes of one message; beyond it the connection is closed with 1009, and the page must not come back with the same. */
export const messageLimit = 1_048_576

/**
 * The sizes both sides agree on by default. What is beyond them is refused with `too_large` or `too_many` and leaves the
 * connection alone, except where a consequence is named.
 */
export const limits = {
  /** Bytes of one frame. */
  frame: frameLimit as typeof frameLimit,
  /** Bytes of one message; beyond it the connection is closed with 1009, and the page must not come back with the same. */
  message: messageLimit as typeof messageLimit,
  /** Bytes of a channel's name in UTF-8. */
  channelName: 200,
  /** Bytes of a user's name in UTF-8. */
  userName: 128,
  /** Bytes of a message id in UTF-8. */
  messageId: 128,
  /** Channels of one connection. */
  channels: 128,
  /** Bytes of `cookie_string`. */
  cookieString: 8_192,
  /** Bytes of history in one answer; `more` says that `HISTORY` brings the rest. */
  historyAnswer: 262_144,
  /** Names of present users in one answer; beyond it only their number is told. */
  presence: 10_000,
  /** Milliseconds from the first byte to `CONNECT`; beyond it the connection is closed with 4504. */
  handshake: 10_000,
  /** Milliseconds from a `PING` to its `PONG`; beyond it the connection is closed with 4504. */
  pong: 10_000,
} as const

/** How many bytes a text takes in UTF-8. A lone surrogate counts as the three bytes of its replacement. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 0x80) continue
    if (c < 0x800) bytes += 1
    else if (c >= 0xd800 && c < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1))) {
      bytes += 2
      i++
    } else bytes += 2
  }
  return bytes
}

/** Whether a text is longer than `limit` bytes of UTF-8, counted only where its length leaves a doubt. */
export function exceeds(text: string, limit: number): boolean {
  return text.length > limit || (text.length * 3 > limit && utf8Length(text) > limit)
}

function isLowSurrogate(c: number): boolean {
  return c >= 0xdc00 && c < 0xe000
}
