import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join, relative, sep } from 'node:path'
import { gzipSync } from 'node:zlib'
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

const types: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
}

interface ServedFile {
  readonly type: string
  readonly plain: Buffer
  readonly gzip: Buffer
}

/**
 * Serves the files of a folder, which is read once, by their paths in it. `missing` is answered where there is no such
 * folder; it may be built while the hub runs.
 */
export function serveFolder(folder: string, missing: string): Handler {
  let loaded: Promise<ReadonlyMap<string, ServedFile>> | undefined

  return async (request, response, path) => {
    loaded ??= loadFolder(folder)
    const files = await loaded.catch(() => undefined)
    if (files === undefined) {
      loaded = undefined
      return answerJson(response, 503, { error: missing })
    }
    const file = files.get(path)
    if (file === undefined) return answerJson(response, 404, { error: 'nothing is served here' })
    const zipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
    const body = zipped ? file.gzip : file.plain
    response.setHeader('vary', 'accept-encoding')
    if (zipped) response.setHeader('content-encoding', 'gzip')
    response.writeHead(200, { 'content-type': file.type, 'content-length': body.length })
    response.end(body)
  }
}

async function loadFolder(folder: string): Promise<ReadonlyMap<string, ServedFile>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = found
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const type = types[extname(entry.name)]
      return type === undefined ? [] : [{ path: join(entry.parentPath, entry.name), type }]
    })
  const loaded = files.map(async ({ path, type }) => {
    const plain = await readFile(path)
    return [relative(folder, path).split(sep).join('/'), { type, plain, gzip: gzipSync(plain) }] as const
  })
  return new Map(await Promise.all(loaded))
}

function scriptFile(): string {
  return join(dirname(createRequire(import.meta.url).resolve('@hookbox/client/package.json')), 'dist/hookbox.js')
}

/** RFC 9110 §13.1.2: a list, compared weakly. */
function isSame(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return tags.includes(etag) || tags.includes('*')
}
