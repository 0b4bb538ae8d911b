import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The web application that the hub asks: everybody may connect, and channels keep a history of 50. */
export async function startApplication(presence: boolean): Promise<{ readonly port: number; close(): void }> {
  const details: { readonly [action: string]: (form: URLSearchParams) => object } = {
    connect: (form) => ({ name: (JSON.parse(form.get('payload') ?? 'null') as { name: string }).name }),
    create_channel: () => ({ moderated: false, history_size: 50, presenceful: presence }),
  }
  const server: Server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      const form = new URLSearchParams(body)
      const answer = [true, details[form.get('action') ?? '']?.(form) ?? {}]
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
