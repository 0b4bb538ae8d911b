import type { NumberedMessage } from './numbered-messages.ts'

export const streamHeaders: { readonly [name: string]: string } = {
  'content-type': 'text/event-stream; charset=utf-8',
  // A proxy that compresses or transforms would have to wait for more.
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
}

/** What opens a stream: proxies and programs that hold back the first kilobytes of an answer let go after it. */
export const padding: string = `:${' '.repeat(2_048)}\n\n`

/** The first event: the secret by which the page's requests belong together. */
export function sessionEvent(session: string): string {
  return `event: session\ndata: ${JSON.stringify({ session })}\n\n`
}

/** Frames have no line breaks in them, so each is a line of data; a parser joins the lines by line feeds again. */
export function messageEvent({ number, message }: NumberedMessage): string {
  return `id: ${number}\ndata: ${message.toString().replaceAll('\n', '\ndata: ')}\n\n`
}

/** The last event. */
export function closeEvent(code: number, reason: string): string {
  return `event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`
}
