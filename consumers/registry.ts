import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a package manager sends to publish one version. */
export interface Publication {
  readonly name: string
  readonly access: string
  readonly 'dist-tags': Readonly<Record<string, string>>
  readonly versions: Readonly<Record<string, unknown>>
  /** The tarball, by its name. */
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>
}

/** A registry that knows no package, and remembers what is published to it. */
export interface Registry extends AsyncDisposable {
  readonly url: string
  readonly publications: readonly Publication[]
}

export async function startRegistry(): Promise<Registry> {
  const publications: Publication[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const isPublishing = request.method === 'PUT'
    if (isPublishing) publications.push(JSON.parse(Buffer.concat(chunks).toString()) as Publication)
    response.writeHead(isPublishing ? 201 : 404, { 'content-type': 'application/json' })
    response.end(isPublishing ? '{"ok":true}' : '{"error":"not found"}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    publications,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
