import type { LineEnd } from '../../src/transport/transport.ts'

/** A frame as a test reads and writes it. */
export type Frame = [id: number, name: string, args: Record<string, unknown>]

/** One socket that the page opened: the hub's end of it is in the test's hands. */
export class FakeSocket extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSING = 2
  static readonly CLOSED = 3
  binaryType = 'blob'
  readyState = 0
  readonly url: string
  readonly protocols: string | string[] | undefined
  /** The messages that the page sent, as they came. */
  readonly messages: string[] = []
  /** How the page closed it. */
  closedBy: { code: number | undefined; reason: string | undefined } | undefined
  onMessage: ((message: string) => void) | undefined
  onClose: ((code: number, reason: string) => void) | undefined

  constructor(url: string, protocols?: string | string[]) {
    super()
    this.url = url
    this.protocols = protocols
  }

  send(text: string): void {
    if (this.readyState !== 1) throw new Error('sent on a socket that is not open')
    this.messages.push(text)
    this.onMessage?.(text)
  }

  close(code?: number, reason?: string): void {
    if (this.readyState >= 2) return
    this.readyState = 2
    this.closedBy = { code, reason }
    this.onClose?.(code ?? 1005, reason ?? '')
  }

  /** The frames that the page sent. */
  get frames(): Frame[] {
    return this.messages.flatMap((message) => message.split('\n').map((line) => JSON.parse(line) as Frame))
  }

  /** The last frame of that name. */
  last(name: string): Frame {
    const frame = this.frames.filter((one) => one[1] === name).at(-1)
    if (frame === undefined) throw new Error(`expected ${name}, got ${JSON.stringify(this.frames)}`)
    return frame
  }

  count(name: string): number {
    return this.frames.filter((one) => one[1] === name).length
  }

  opens(): void {
    this.readyState = 1
    this.dispatchEvent(new Event('open'))
  }

  /** One message with these frames. */
  hears(...frames: Frame[]): void {
    this.hearsText(frames.map((frame) => JSON.stringify(frame)).join('\n'))
  }

  hearsText(data: unknown): void {
    if (this.readyState !== 1) return
    this.dispatchEvent(Object.assign(new Event('message'), { data }))
  }

  errs(): void {
    this.dispatchEvent(Object.assign(new Event('error'), { message: 'it failed' }))
  }

  ends(code: number, reason = '', wasClean = true): void {
    this.readyState = 3
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason, wasClean } satisfies LineEnd))
  }
}
