import { messageLimit } from '@hookbox/protocol'

/** Frames of one tick, which go out as one message, or as few as the limit of a message allows. */
export interface Batch {
  add(frame: string): void
  /** What is there goes out now. */
  sendNow(): void
  /** What is there goes nowhere. */
  clear(): void
}

export function createBatch(send: (message: string) => void): Batch {
  let frames: string[] = []

  function sendNow(): void {
    let message = ''
    for (const frame of frames.splice(0)) {
      // a character is at most three bytes; counting them truly would cost more than a message too many
      if (message && (message.length + frame.length + 1) * 3 > messageLimit) {
        send(message)
        message = ''
      }
      message += message && '\n'
      message += frame
    }
    if (message) send(message)
  }

  return {
    add(frame) {
      if (frames.push(frame) === 1) queueMicrotask(sendNow)
    },
    sendNow,
    clear() {
      frames = []
    },
  }
}
