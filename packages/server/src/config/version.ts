import { createRequire } from 'node:module'

/** The version of this package: for `--version`, `/health` and the header `X-Hookbox-Version`. */
export const version: string = readVersion()

/** By the package's own name, as the path differs between the sources and what is built of them. */
function readVersion(): string {
  const described = createRequire(import.meta.url)('@hookbox/server/package.json') as { readonly version: string }
  return described.version
}
