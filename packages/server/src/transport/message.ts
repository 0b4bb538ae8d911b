import type { PreparedFrame } from './prepared-frame.ts'

const lineFeed = 0x0a

/** Bytes before the payload of the longest WebSocket message that leaves. */
const headRoom = 10

/**
 * One message: frames joined by line feeds. Thousands of pages get the same one in a turn of the event loop, so each of its
 * encodings is made once.
 */
export class Message {
  readonly frames: readonly PreparedFrame[]
  /** The payload, with room before it for what a WebSocket puts there. */
  readonly #buffer: Buffer
  #webSocket: Buffer | undefined

  constructor(frames: readonly PreparedFrame[]) {
    this.frames = frames
    const length = frames.reduce((sum, { bytes }) => sum + bytes.length, frames.length - 1)
    this.#buffer = Buffer.allocUnsafe(headRoom + length)
    let end = headRoom
    for (const [index, { bytes }] of frames.entries()) {
      if (index > 0) this.#buffer[end++] = lineFeed
      this.#buffer.set(bytes, end)
      end += bytes.length
    }
  }

  /** Bytes, without what a transport puts around them. */
  get length(): number {
    return this.#buffer.length - headRoom
  }

  /** UTF-8. */
  get bytes(): Buffer {
    return this.#buffer.subarray(headRoom)
  }

  /** As it leaves on a WebSocket: a text message in one frame, unmasked (RFC 6455 §5.2). */
  get webSocket(): Buffer {
    this.#webSocket ??= this.#withHead()
    return this.#webSocket
  }

  /** Whether it would be the same for these frames. */
  isOf(frames: readonly PreparedFrame[]): boolean {
    return frames.length === this.frames.length && frames.every((frame, index) => frame === this.frames[index])
  }

  #withHead(): Buffer {
    const { length } = this
    const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
    const framed = this.#buffer.subarray(headRoom - head)
    // FIN, and the opcode of a text
    framed[0] = 0x81
    framed[1] = head === 2 ? length : head === 4 ? 126 : 127
    if (head === 4) framed.writeUInt16BE(length, 2)
    if (head === 10) framed.writeBigUInt64BE(BigInt(length), 2)
    return framed
  }
}
