import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { createForwarded } from '../../src/transport/address.ts'

interface Case {
  name: string
  trust: number | string[]
  peer?: string
  forwardedFor?: string
  address: string
}

function request(peer: string | undefined, headers: { [name: string]: string | undefined }): IncomingMessage {
  return { headers: { host: 'own.example', ...headers }, socket: { remoteAddress: peer } } as unknown as IncomingMessage
}

test.each<Case>([
  { name: 'nobody is trusted by default', trust: 0, forwardedFor: '9.9.9.9', address: '10.0.0.1' },
  { name: 'one hop: what our proxy saw', trust: 1, forwardedFor: '9.9.9.9, 8.8.8.8', address: '8.8.8.8' },
  { name: 'two hops: what the outer proxy saw', trust: 2, forwardedFor: '9.9.9.9, 8.8.8.8', address: '9.9.9.9' },
  { name: 'more hops than proxies', trust: 5, forwardedFor: '9.9.9.9', address: '9.9.9.9' },
  { name: 'no header', trust: 1, address: '10.0.0.1' },
  { name: 'a network', trust: ['10.0.0.0/8'], forwardedFor: '9.9.9.9, 8.8.8.8', address: '8.8.8.8' },
  {
    name: 'several proxies of a network',
    trust: ['10.0.0.0/8'],
    forwardedFor: '8.8.8.8, 10.1.1.1',
    address: '8.8.8.8',
  },
  { name: 'a proxy that is not trusted', trust: ['192.168.0.0/16'], forwardedFor: '9.9.9.9', address: '10.0.0.1' },
  { name: 'IPv6', trust: ['::1/128'], peer: '::1', forwardedFor: '2001:DB8::1', address: '2001:db8::1' },
  {
    name: 'IPv4 in the coat of IPv6',
    trust: ['127.0.0.1/32'],
    peer: '::ffff:127.0.0.1',
    forwardedFor: '8.8.8.8',
    address: '8.8.8.8',
  },
  { name: 'IPv4 peer on a dual socket', trust: 0, peer: '::ffff:8.8.8.8', address: '8.8.8.8' },
  { name: 'a port', trust: 1, forwardedFor: '8.8.8.8:1234', address: '8.8.8.8' },
  { name: 'brackets and a port', trust: 1, forwardedFor: '[2001:db8::1]:1234', address: '2001:db8::1' },
  { name: 'what is no address', trust: 1, forwardedFor: 'unknown', address: '10.0.0.1' },
  { name: 'what is no address, further out', trust: 2, forwardedFor: '<script>, 8.8.8.8', address: '8.8.8.8' },
  { name: 'a header of commas', trust: 9, forwardedFor: ',,,', address: '10.0.0.1' },
])('$name', ({ trust, peer = '10.0.0.1', forwardedFor, address }) => {
  expect(createForwarded(trust)(request(peer, { 'x-forwarded-for': forwardedFor })).address).toBe(address)
})

test.each([
  { name: 'not trusted', trust: 0, forwarded: 'evil.example', host: 'own.example' },
  { name: 'trusted', trust: 1, forwarded: 'public.example', host: 'public.example' },
  { name: 'trusted, but silent', trust: 1, forwarded: undefined, host: 'own.example' },
  { name: 'the nearest proxy’s word', trust: 1, forwarded: 'evil.example, public.example', host: 'public.example' },
  {
    name: 'the outermost trusted proxy’s word',
    trust: 2,
    forwarded: 'public.example, inner.example',
    host: 'public.example',
  },
  { name: 'not from a trusted network', trust: ['10.9.0.0/16'], forwarded: 'evil.example', host: 'own.example' },
])('the host that the browser asked for: $name', ({ trust, forwarded, host }) => {
  const headers = { 'x-forwarded-host': forwarded, 'x-forwarded-for': '8.8.8.8, 7.7.7.7' }
  expect(createForwarded(trust)(request('10.0.0.1', headers)).host).toBe(host)
})

test('a socket without an address has an empty one', () => {
  expect(createForwarded(0)(request(undefined, {})).address).toBe('')
  expect(createForwarded(1)(request(undefined, { 'x-forwarded-for': '8.8.8.8' })).address).toBe('8.8.8.8')
})

test.each([
  { name: 'of a trusted proxy', trust: 1, header: 'req-7.a:b', requestId: 'req-7.a:b' },
  { name: 'of a stranger', trust: 0, header: 'req-7', requestId: undefined },
  { name: 'that is no name', trust: 1, header: 'a b\u0007', requestId: undefined },
  { name: 'that is long', trust: 1, header: 'x'.repeat(65), requestId: undefined },
])('the id $name: $requestId', ({ trust, header, requestId }) => {
  const request = { headers: { 'x-request-id': header }, socket: { remoteAddress: '127.0.0.1' } } as never
  expect(createForwarded(trust)(request).requestId).toBe(requestId)
})
