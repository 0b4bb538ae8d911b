import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { answerJson, type Handler } from './router.ts'

/**
 * Serves the client's script, which pages on other ports and hosts include with a `<script>` tag. Browsers ask each time
 * whether it is still the same, so that a page never speaks to a new hub with an old script.
 */
export function serveScript(file: string = scriptFile()): Handler {
  let loaded: Promise<Script> | undefined

  return async (request, response) => {
    loaded ??= load(file)
    let script: Script
    try {
      script = await loaded
    } catch {
      loaded = undefined // It may be built while the hub runs.
      return answerJson(response, 404, { error: 'the client script is not built; run `pnpm build` first' })
    }
    response.setHeader('etag', script.etag)
    response.setHeader('cache-control', 'no-cache')
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('cross-origin-resource-policy', 'cross-origin')
    response.setHeader('x-content-type-options', 'nosniff')
    if (isSame(request.headers['if-none-match'], script.etag)) return void response.writeHead(304).end()
    response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8', 'content-length': script.text.length })
    response.end(script.text)
  }
}

interface Script {
  readonly text: Buffer
  readonly etag: string
}

async function load(file: string): Promise<Script> {
  const text = await readFile(file)
  return { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` }
}

function scriptFile(): string {
  return join(dirname(createRequire(import.meta.url).resolve('@hookbox/client/package.json')), 'dist/hookbox.js')
}

/** RFC 9110 §13.1.2: a list, compared weakly. */
function isSame(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return tags.includes(etag) || tags.includes('*')
}
