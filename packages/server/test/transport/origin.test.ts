import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { createDoorkeeper } from '../../src/transport/origin.ts'

function request(headers: { [name: string]: string | undefined }): IncomingMessage {
  return { headers } as unknown as IncomingMessage
}

const listed = ['https://partner.example', 'capacitor://localhost']

test.each([
  { host: 'app.example', origin: undefined, may: true },
  { host: 'app.example', origin: 'http://app.example', may: true },
  { host: 'app.example', origin: 'https://app.example', may: true },
  { host: 'app.example:8001', origin: 'http://app.example', may: true },
  { host: 'app.example:8001', origin: 'http://app.example:3000', may: true },
  { host: 'APP.example', origin: 'http://app.example', may: true },
  { host: 'bücher.example', origin: 'http://xn--bcher-kva.example', may: true },
  { host: '127.0.0.1:8001', origin: 'http://127.0.0.1:3000', may: true },
  { host: '[::1]:8001', origin: 'http://[::1]:3000', may: true },
  { host: 'app.example', origin: 'https://partner.example', may: true },
  { host: 'app.example', origin: 'capacitor://localhost', may: true },
  { host: 'app.example', origin: 'null', may: false },
  { host: 'app.example', origin: '', may: false },
  { host: 'app.example', origin: 'http://evil.example', may: false },
  { host: 'app.example', origin: 'http://app.example.evil.example', may: false },
  { host: 'app.example', origin: 'http://evilapp.example', may: false },
  { host: 'app.example', origin: 'http://sub.app.example', may: false },
  { host: 'app.example', origin: 'http://app.example@evil.example', may: false },
  { host: 'app.example', origin: 'http://evil.example#app.example', may: false },
  { host: 'app.example', origin: 'http://app.example/', may: false },
  { host: 'app.example', origin: 'http://app.example/path', may: false },
  { host: 'app.example', origin: 'HTTP://app.example', may: false },
  { host: 'app.example', origin: 'ftp://app.example', may: false },
  { host: 'app.example', origin: 'file://app.example', may: false },
  { host: 'app.example', origin: 'https://partner.example:8443', may: false },
  { host: 'app.example', origin: 'http://partner.example', may: false },
  { host: 'localhost:8001', origin: 'http://127.0.0.1:3000', may: false },
  { host: 'evil.example/x@app.example', origin: 'http://app.example', may: false },
  { host: 'a@app.example', origin: 'http://app.example', may: false },
  { host: undefined, origin: 'http://app.example', may: false },
  { host: '', origin: 'http://', may: false },
])('a page of origin $origin at host $host may connect: $may', ({ host, origin, may }) => {
  const door = createDoorkeeper({ origins: listed, checkHost: false, interface: '0.0.0.0' })
  expect(door.refuseOrigin(request({ origin }), host) === undefined).toBe(may)
})

test.each([
  { on: '127.0.0.1', host: 'localhost', may: true },
  { on: '127.0.0.1', host: 'LOCALHOST:8001', may: true },
  { on: '127.0.0.1', host: '127.0.0.1:8001', may: true },
  { on: '127.0.0.1', host: '127.9.9.9', may: true },
  { on: '127.0.0.1', host: '[::1]:8001', may: true },
  { on: '192.168.1.5', host: '192.168.1.5:8001', may: true },
  { on: 'fd00::5', host: '[fd00::5]:8001', may: true },
  { on: 'my-laptop', host: 'my-laptop:8001', may: true },
  { on: '127.0.0.1', host: 'evil.example', may: false },
  { on: '127.0.0.1', host: 'localhost.evil.example', may: false },
  { on: '127.0.0.1', host: '127.0.0.1.evil.example', may: false },
  { on: '127.0.0.1', host: 'evil.example@127.0.0.1', may: false },
  { on: '127.0.0.1', host: '192.168.1.5', may: false },
  { on: '0.0.0.0', host: 'evil.example', may: false },
  { on: '127.0.0.1', host: '', may: false },
  { on: '127.0.0.1', host: undefined, may: false },
])('open mode on $on answers to host $host: $may', ({ on, host, may }) => {
  const door = createDoorkeeper({ origins: [], checkHost: true, interface: on })
  expect(door.refuseHost(request({ host })) === undefined).toBe(may)
})

test('open mode believes no forwarded host, which a page can send itself', () => {
  const door = createDoorkeeper({ origins: [], checkHost: true, interface: '127.0.0.1' })
  expect(door.refuseHost(request({ host: 'evil.example', 'x-forwarded-host': 'localhost' }))).toContain(
    '"evil.example"',
  )
})

test('with webhooks any host is answered to', () => {
  const door = createDoorkeeper({ origins: [], checkHost: false, interface: '0.0.0.0' })
  expect(door.refuseHost(request({ host: 'whatever.example' }))).toBeUndefined()
})
