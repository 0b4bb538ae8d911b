/** A frame of the hub's that may go to many: each encoding is made once, by the first who needs it. */
export class PreparedFrame {
  readonly text: string
  #bytes: Buffer | undefined

  constructor(text: string) {
    this.text = text
  }

  /** Ready UTF-8, so that it need not be encoded once per socket. */
  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(this.text)
    return this.#bytes
  }
}
