import type { IncomingMessage } from 'node:http'
import { HookboxError } from '@hookbox/protocol'
import { ignore } from '../requests.ts'

/** Bytes of a request's body; beyond it the answer is 413. */
export const maxBody = 1_048_576

/**
 * The body of a request, as text, bounded while it is being read. What comes beyond the bound is thrown away, so that the
 * answer can still reach whoever is sending it; the server's time limit for a request ends it.
 *
 * @throws HookboxError `too_large`; `bad_request` when it is encoded, is not UTF-8 or ended early.
 */
export function readBody(request: IncomingMessage, limit: number = maxBody): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0

    const stop = () => {
      request.off('data', onData).off('end', onEnd).off('close', onClose)
      request.resume()
    }
    const fail = (error: HookboxError) => {
      stop()
      reject(error)
    }
    const tooLarge = () => new HookboxError('too_large', `body: expected at most ${limit} bytes`)
    const onData = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > limit) fail(tooLarge())
      else chunks.push(chunk)
    }
    const onEnd = () => {
      stop()
      try {
        resolve(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks)))
      } catch (cause) {
        reject(new HookboxError('bad_request', 'body: expected UTF-8', { cause }))
      }
    }
    const onClose = () => fail(new HookboxError('bad_request', 'body: ended early'))

    request.on('error', ignore)
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity')
      return fail(new HookboxError('bad_request', `content-encoding: expected none, got ${JSON.stringify(encoding)}`))
    if (Number(request.headers['content-length'] ?? 0) > limit) return fail(tooLarge())
    request.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}
