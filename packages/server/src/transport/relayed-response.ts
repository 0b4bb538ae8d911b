import { EventEmitter } from 'node:events'
import type { StreamResponse } from './event-stream.ts'

/** An answer that another node passes on: nothing is written but its end, with all there is to read. */
export class RelayedResponse extends EventEmitter implements StreamResponse {
  /** All that was written, once it has ended. */
  readonly text: Promise<string>
  readonly writableLength = 0
  #written = ''
  #ended = false
  #resolve: (text: string) => void = () => {}

  constructor() {
    super()
    this.text = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  writeHead(): void {}

  flushHeaders(): void {}

  write(text: string, sent?: () => void): void {
    this.#written += text
    if (sent) queueMicrotask(sent)
  }

  end(text = '', sent?: () => void): void {
    if (this.#ended) return
    this.#ended = true
    this.#resolve(this.#written + text)
    queueMicrotask(() => {
      sent?.()
      this.emit('close')
    })
  }

  destroy(): void {
    this.end()
  }
}
