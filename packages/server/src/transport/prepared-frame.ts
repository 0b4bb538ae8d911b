/** A frame of the hub's that may go to many: it is written, and measured, once. */
export class PreparedFrame {
  readonly text: string
  /** Bytes in UTF-8. */
  readonly length: number

  constructor(text: string) {
    this.text = text
    // Measuring also makes one piece of a text that was put together of many, each of which would be kept in memory.
    this.length = Buffer.byteLength(text)
  }
}
