import { Inbox, until } from '../../packages/testkit/src/index.ts'

type Frame = readonly [id: number, name: string, args: Readonly<Record<string, unknown>>]

/** A page that no WebSocket reaches: it reads an event stream and speaks by POSTs. */
export interface StreamPage extends AsyncDisposable {
  send(name: string, args: object): Promise<void>
  /** The oldest frame of that name that was not taken yet, or the next one. */
  next(name: string): Promise<Frame>
}

export async function openStreamPage(url: string): Promise<StreamPage> {
  const leave = new AbortController()
  const { body, status } = await post(`${url}/stream`, '{}', leave.signal)
  if (body === null || status !== 200) throw new Error(`expected a stream, got status ${status}`)
  const frames = new Inbox<Frame>((frame) => JSON.stringify(frame))
  const sessions = new Inbox<string>((session) => session)
  read(body).catch((error: unknown) => frames.end(`the stream broke: ${error}`))
  const session = await sessions.take(() => true, 'the session')
  let seq = 0

  async function read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const bytes of stream) {
      text += decoder.decode(bytes, { stream: true })
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) hear(event)
    }
    frames.end('the stream ended')
  }

  function hear(event: string): void {
    const lines = event.split('\n')
    const data = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice('data: '.length))
    if (lines.includes('event: session')) sessions.put((JSON.parse(data.join('\n')) as { session: string }).session)
    else for (const frame of data) frames.put(JSON.parse(frame) as Frame)
  }

  return {
    async send(name, args) {
      const head = JSON.stringify({ session, seq: ++seq, ack: 0 })
      const sent = await post(`${url}/stream/send`, `${head}\n${JSON.stringify([seq, name, args])}`)
      if (sent.status !== 204) throw new Error(`${name} was answered with ${sent.status}: ${await sent.text()}`)
    },
    next: (name) => frames.take(([, of]) => of === name, `a ${name} frame`),
    async [Symbol.asyncDispose]() {
      leave.abort()
    },
  }
}

/** Again while a proxy has found nobody who answers, as the page's script does. */
function post(url: string, body: string, signal: AbortSignal | null = null): Promise<Response> {
  return until(async () => {
    const response = await fetch(url, { method: 'POST', body, signal })
    if (response.status < 500) return response
    throw new Error(`status ${response.status}: ${await response.text()}`)
  }, `an answer of ${url}`)
}
