import { constants, deflateRawSync } from 'node:zlib'
import { joinFrames } from '@hookbox/protocol'
import type { PreparedFrame } from './prepared-frame.ts'

/** Bytes before the payload of the longest WebSocket message that leaves. */
const headRoom = 10

/** Bytes below which compressing saves next to nothing. */
const worthCompressing = 256

/** The fastest: everybody waits meanwhile, and of a long message the others make little less in a far longer time. */
const compressing = { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH } as const

/** What a flush ends with, which is not sent (RFC 7692 §7.2.1): 00 00 ff ff. */
const flushTail = 4

/**
 * One message: frames joined by line feeds. Thousands of pages get the same one in a turn of the event loop, so each of its
 * encodings is made once.
 */
export class Message {
  readonly frames: readonly PreparedFrame[]
  /** It goes to more than one page. */
  isShared = false
  /** The payload, with room before it for what a WebSocket puts there. */
  readonly #buffer: Buffer
  #webSocket: Buffer | undefined
  #compressed: Buffer | undefined

  constructor(frames: readonly PreparedFrame[]) {
    this.frames = frames
    const length = frames.reduce((sum, frame) => sum + frame.length, frames.length - 1)
    this.#buffer = Buffer.allocUnsafe(headRoom + length)
    this.#buffer.write(joinFrames(frames.map(({ text }) => text)), headRoom)
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
    this.#webSocket ??= withHead(this.#buffer, 0x81)
    return this.#webSocket
  }

  /** The same compressed by itself, whatever went before it (RFC 7692 §7.1.1.1); as it is, where it is short. */
  get compressedWebSocket(): Buffer {
    this.#compressed ??= this.#compress()
    return this.#compressed
  }

  /** Whether it would be the same for these frames. */
  isOf(frames: readonly PreparedFrame[]): boolean {
    return frames.length === this.frames.length && frames.every((frame, index) => frame === this.frames[index])
  }

  #compress(): Buffer {
    if (this.length < worthCompressing) return this.webSocket
    const deflated = deflateRawSync(this.bytes, compressing)
    const length = deflated.length - flushTail
    const buffer = Buffer.allocUnsafe(headRoom + length)
    deflated.copy(buffer, headRoom, 0, length)
    // RSV1 besides
    return withHead(buffer, 0xc1)
  }
}

/** Puts a WebSocket's head right before the payload, which begins after the head room. */
function withHead(buffer: Buffer, first: number): Buffer {
  const length = buffer.length - headRoom
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const framed = buffer.subarray(headRoom - head)
  framed[0] = first
  framed[1] = head === 2 ? length : head === 4 ? 126 : 127
  if (head === 4) framed.writeUInt16BE(length, 2)
  if (head === 10) framed.writeBigUInt64BE(BigInt(length), 2)
  return framed
}
