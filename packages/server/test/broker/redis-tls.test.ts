import {
  freePort,
  lacksCertificates,
  lacksRedis,
  makeCertificate,
  openWirePage,
  startHubProcess,
  startRedis,
} from '@hookbox/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'

/** A Redis that speaks TLS as `localhost`, and only with who knows the password. */
async function secured() {
  const certificate = await makeCertificate('localhost')
  onTestFinished(() => certificate[Symbol.asyncDispose]())
  const { certFile, keyFile } = certificate
  const port = await freePort()
  const config = [
    `tls-port ${port}`,
    `tls-cert-file ${JSON.stringify(certFile)}`,
    `tls-key-file ${JSON.stringify(keyFile)}`,
    `tls-ca-cert-file ${JSON.stringify(certFile)}`,
    'tls-auth-clients no',
  ]
  const redis = await startRedis({ password: 'p@ss', config })
  onTestFinished(() => redis[Symbol.asyncDispose]())
  return { port, trusting: { NODE_EXTRA_CA_CERTS: certFile } }
}

describe.skipIf(lacksRedis() || lacksCertificates())('a hub with Redis by TLS', () => {
  test('works as without, where it knows the authority', async () => {
    const { port, trusting } = await secured()
    await using hub = await startHubProcess(['--open', '--redis', `rediss://:p%40ss@localhost:${port}`], {
      env: trusting,
    })
    const [ann, bob] = await Promise.all([openWirePage(hub.wsUrl), openWirePage(hub.wsUrl)])
    for (const page of [ann, bob]) {
      await page.connect()
      await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    }
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 'by TLS' })
    expect((await bob.next('PUBLISH')).args.payload).toBe('by TLS')
    for (const page of [ann, bob]) await page.close()
  })

  test.each([
    ['rediss', 'localhost', {}, 'self-signed certificate (NODE_EXTRA_CA_CERTS may name a file of more authorities)'],
    ['rediss', '127.0.0.1', { trusted: true }, "Hostname/IP does not match certificate's altnames"],
    ['rediss+sentinel', 'localhost', { path: '/mine' }, 'self-signed certificate'],
    ['rediss+cluster', 'localhost', {}, 'self-signed certificate'],
  ])('is told what keeps it out: %s at %s %j', async (scheme, host, { trusted, path = '' }: Case, why) => {
    const { port, trusting } = await secured()
    const url = `${scheme}://:p%40ss@${host}:${port}${path}`
    const starting = startHubProcess(['--open', '--redis', url], trusted ? { env: trusting } : {})
    await expect(starting).rejects.toThrow(why)
    await expect(starting).rejects.toThrow(`${host}:${port}`)
    await expect(starting).rejects.not.toThrow('p%40ss')
  })
})

interface Case {
  readonly trusted?: boolean
  readonly path?: string
}
