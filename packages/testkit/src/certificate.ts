import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onCi, programPath } from './environment.ts'

const command = 'openssl'

/** A certificate that is its own authority, in files that are gone when it is disposed of. */
export interface Certificate extends AsyncDisposable {
  readonly certFile: string
  readonly keyFile: string
}

/** Whether tests that need a certificate are to be left out, and says so: nothing here makes one. On CI they are to fail instead. */
export function lacksCertificates(): boolean {
  if (onCi() || spawnSync(command, ['version'], { stdio: 'ignore' }).status === 0) return false
  process.emitWarning('tests with TLS are skipped, as there is no openssl on the PATH')
  return true
}

/** A new one for a host, valid for a day. */
export async function makeCertificate(host: string): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'hookbox-certificate-'))
  const certFile = join(folder, 'cert.pem')
  const keyFile = join(folder, 'key.pem')
  const forget = () => rm(folder, { recursive: true, force: true })
  try {
    await promisify(execFile)(
      command,
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
        ...['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`, '-out', certFile, '-keyout', keyFile],
      ],
      { env: { PATH: programPath() } },
    )
  } catch (error) {
    await forget()
    throw error
  }
  return { certFile, keyFile, [Symbol.asyncDispose]: forget }
}
