import { expect, test } from 'vitest'
import { loadOptions } from '../../src/config/load.ts'
import { explainSilence } from '../../src/doctor/below-http.ts'
import { placeOf } from '../../src/doctor/place.ts'
import type { Exchange } from '../../src/webhooks/http.ts'

const { config } = loadOptions({ cbhost: 'app.example', cbport: 443, cbhttps: true })
const place = placeOf(config.webhooks, 'connect')

function explain(code: string | undefined, message: string, name = 'Error') {
  const exchange: Exchange = {
    reply: { kind: 'fault', why: 'connection', fault: '' },
    problem: Object.assign(new Error(message), { code, name }),
  }
  const { kind, code: word, says, mend } = explainSilence(exchange, place, 5_000)
  expect([kind, mend !== undefined]).toEqual(['wrong', true])
  return [word, says]
}

test.each([
  {
    name: 'signed by itself',
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    message: 'self-signed certificate',
    found: ['certificate', 'The certificate of app.example:443 is not trusted: self-signed certificate.'],
  },
  {
    name: 'over',
    code: 'CERT_HAS_EXPIRED',
    message: 'certificate has expired',
    found: ['certificate', 'The certificate of app.example:443 is not trusted: certificate has expired.'],
  },
  {
    name: 'for another name',
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    message: "Host: app.example. is not in the cert's altnames: DNS:b",
    found: [
      'certificate',
      "The certificate of app.example:443 is not trusted: Host: app.example. is not in the cert's altnames: DNS:b.",
    ],
  },
])('a certificate that is $name', ({ code, message, found }) => {
  expect(explain(code, message)).toEqual(found)
})

test.each([
  { name: 'no route', code: 'EHOSTUNREACH', found: ['unreachable', 'app.example:443 cannot be reached: why.'] },
  { name: 'no resolver', code: 'EAI_AGAIN', found: ['host_not_found', 'The host app.example was not found.'] },
  {
    name: 'another failure of TLS',
    code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    found: ['tls', 'No secure line to app.example:443 came about: why.'],
  },
  { name: 'whatever else', code: undefined, found: ['not_asked', 'The application could not be asked: why.'] },
])('$name', ({ code, found }) => {
  expect(explain(code, 'why')).toEqual(found)
})

test('where one URL is for all webhooks, its option is named, and what it may hold is not shown', () => {
  const single = placeOf(
    loadOptions({ cbSingleUrl: 'http://ann:hush@app.example/cb.php?key=hush' }).config.webhooks,
    'connect',
  )
  const refused = {
    reply: { kind: 'fault', why: 'connection', fault: '' },
    problem: { code: 'ECONNREFUSED', message: 'x' },
  } as const
  expect(explainSilence(refused, single, 5_000)).toMatchObject({
    says: 'Nobody listens at app.example:80.',
    mend: expect.stringContaining('set --cb-single-url to where it listens'),
  })
  expect(single.shown).toBe('http://app.example/cb.php')
})
