import { Writable } from 'node:stream'

/** A stream that keeps what was written to it. */
export class Sink extends Writable {
  readonly isTTY: boolean
  text = ''

  constructor(isTTY: boolean) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
  }

  /** Each line, parsed as JSON. */
  get lines(): Record<string, unknown>[] {
    return this.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk
    done()
  }
}

export function sink({ isTTY = false }: { isTTY?: boolean } = {}): Sink {
  return new Sink(isTTY)
}
