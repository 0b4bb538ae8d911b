import { createHash } from 'node:crypto'

/** Hosts that serve the files of npm packages unchanged, where the whole path is given. */
const hosts = ['https://unpkg.com/', 'https://cdn.jsdelivr.net/npm/']

/** Tags for a page without a bundler: one version of the client's script, and only if every byte of it is as published. */
export function scriptTags(version: string, script: Uint8Array): string[] {
  return hosts.map((host) => {
    const source = `${host}@hookbox/client@${version}/dist/hookbox.js`
    return `<script src="${source}" integrity="${integrityOf(script)}" crossorigin="anonymous"></script>`
  })
}

/** By the standard on subresource integrity. */
function integrityOf(script: Uint8Array): string {
  return `sha384-${createHash('sha384').update(script).digest('base64')}`
}
