import { vi } from 'vitest'
import { clock } from './clock.ts'

/** A request that the page has made, which the test answers. */
export class FakeRequest {
  readonly path: string
  readonly init: RequestInit
  readonly head: Record<string, unknown>
  readonly text: string
  aborted = false
  readonly #answer: (response: Response) => void
  readonly #fail: (error: Error) => void
  #writer: ReadableStreamDefaultController<Uint8Array> | undefined

  constructor(url: string, init: RequestInit, answer: (response: Response) => void, fail: (error: Error) => void) {
    this.path = url
    this.init = init
    const body = String(init.body)
    const end = body.indexOf('\n')
    this.head = JSON.parse(body.slice(0, end)) as Record<string, unknown>
    this.text = body.slice(end + 1)
    this.#answer = answer
    this.#fail = fail
    init.signal?.addEventListener('abort', () => {
      this.aborted = true
      this.breaks()
    })
  }

  /** Without a body. */
  async answers(status: number): Promise<void> {
    this.#answer(new Response(null, { status }))
    await clock.settle()
  }

  /** Begins an answer, or goes on with it. */
  async says(bytes: string | Uint8Array): Promise<void> {
    if (this.#writer === undefined) {
      const body = new ReadableStream<Uint8Array>({
        start: (writer) => {
          this.#writer = writer
        },
      })
      this.#answer(new Response(body))
    }
    // who gave it up hears nothing more of it
    if (!this.aborted) this.#writer?.enqueue(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes)
    await clock.settle()
  }

  async ends(): Promise<void> {
    this.#writer?.close()
    await clock.settle()
  }

  /** As a line that broke does: before the answer, or in it. */
  breaks(): void {
    const error = new TypeError('network error')
    if (this.#writer) this.#writer.error(error)
    else this.#fail(error)
  }
}

/** Takes the place of `fetch` until the test ends. */
export function fakeFetch(): FakeRequest[] {
  const requests: FakeRequest[] = []
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    return new Promise<Response>((resolve, reject) => {
      requests.push(new FakeRequest(String(url), init, resolve, reject))
    })
  })
  return requests
}

export const secret = '0123456789abcdef0123456789abcdef'
export const sessionEvent: string = `:${' '.repeat(100)}\n\nevent: session\ndata: ${JSON.stringify({ session: secret })}\n\n`
export const messageEvent = (id: number, ...frames: string[]): string =>
  `id: ${id}\n${frames.map((frame) => `data: ${frame}\n`).join('')}\n`
export const closeEvent = (code: number, reason: string): string =>
  `event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`
