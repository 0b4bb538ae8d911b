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
  let message = ''

  function sendNow(): void {
    const ready = message
    message = ''
    if (ready) send(ready)
  }

  return {
    add(frame) {
      // a character is at most three bytes; counting them truly would cost more than a message too many
      if ((message.length + frame.length + 1) * 3 > messageLimit) sendNow()
      message += message ? `\n${frame}` : frame
      queueMicrotask(sendNow)
    },
    sendNow,
    clear() {
      message = ''
    },
  }
}
