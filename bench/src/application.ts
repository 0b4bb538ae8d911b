import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What every channel is made with, by the names that webhooks have for it. */
export interface ChannelOptions {
  readonly history_size: number
  readonly presenceful: boolean
  /** Joins and leaves stand in no history. */
  readonly history_publish_only?: boolean
  /** The application is asked about each publish as well; else about a channel only when it is made. */
  readonly moderated_publish?: boolean
}

/** The web application that the hub asks: everybody may do everything. */
export async function startApplication(channel: ChannelOptions): Promise<{ readonly port: number; close(): void }> {
  const details: { readonly [action: string]: (form: URLSearchParams) => object } = {
    connect: (form) => ({ name: (JSON.parse(form.get('payload') ?? 'null') as { name: string }).name }),
    create_channel: () => ({ moderated: false, ...channel }),
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
