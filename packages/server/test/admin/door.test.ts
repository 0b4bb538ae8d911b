import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { isSecure, refuseOrigin, SessionCookie } from '../../src/admin/door.ts'

function request(headers: { readonly [name: string]: string | undefined }): IncomingMessage {
  return { headers } as unknown as IncomingMessage
}

describe('who may ask for something that changes anything', () => {
  const sameOrigin = { 'sec-fetch-site': 'same-origin' }

  test.each<{ name: string; origin?: string; host?: string; more?: { [name: string]: string }; heard: boolean }>([
    { name: 'the page itself', origin: 'http://127.0.0.1:8001', host: '127.0.0.1:8001', heard: true },
    { name: 'the page by https', origin: 'https://hub.example.org', host: 'hub.example.org', heard: true },
    {
      name: 'with a default port in the Host',
      origin: 'https://hub.example.org',
      host: 'hub.example.org:443',
      heard: true,
    },
    { name: 'with an IPv6 address', origin: 'http://[::1]:8001', host: '[::1]:8001', heard: true },
    {
      name: 'behind a proxy that leaves the port out',
      origin: 'http://a:8080',
      host: 'a',
      more: sameOrigin,
      heard: true,
    },
    { name: 'the same without the browser’s word', origin: 'http://a:8080', host: 'a', heard: false },
    { name: 'a page of another port', origin: 'http://127.0.0.1:3000', host: '127.0.0.1:8001', heard: false },
    {
      name: 'a page of another port, whatever it says',
      origin: 'http://127.0.0.1:3000',
      host: '127.0.0.1:8001',
      more: sameOrigin,
      heard: false,
    },
    { name: 'a page of another host', origin: 'https://evil.example', host: 'hub.example.org', heard: false },
    {
      name: 'a host that only begins alike',
      origin: 'https://hub.example.org.evil.example',
      host: 'hub.example.org',
      heard: false,
    },
    { name: 'a page without an origin', origin: 'null', host: 'hub.example.org', heard: false },
    { name: 'another scheme', origin: 'ftp://hub.example.org', host: 'hub.example.org', heard: false },
    { name: 'a program that sends none', host: 'hub.example.org', heard: false },
    { name: 'without a Host', origin: 'https://hub.example.org', heard: false },
    { name: 'with more than an origin', origin: 'https://hub.example.org/x', host: 'hub.example.org', heard: false },
  ])('$name', ({ origin, host, more, heard }) => {
    const refused = refuseOrigin(request({ origin, ...more }), host)
    if (heard) expect(refused).toBeUndefined()
    else expect(refused).toMatch(/^origin .*: expected that of the console itself$/)
  })
})

test('the cookie is for this hub alone: no script reads it, no other site sends it', () => {
  const cookie = new SessionCookie('')
  expect(cookie.line('secret', '127.0.0.1:8001', false)).toBe(
    'hookbox-admin-8001=secret; Path=/; HttpOnly; SameSite=Strict',
  )
  expect(cookie.line('', '127.0.0.1:8001', false)).toContain('; Max-Age=0')
  expect(new SessionCookie('/real/time').line('secret', 'hub.example.org', true)).toBe(
    '__Host-hookbox-admin-real-time=secret; Path=/; HttpOnly; SameSite=Strict; Secure',
  )
})

test('the cookie of another hub on this host is not read', () => {
  const cookie = new SessionCookie('')
  const carried = request({
    cookie: 'hookbox-admin-8002=two; hookbox-admin-8001=one; a=b; __Host-hookbox-admin-8001=three',
  })
  expect(cookie.read(carried, '127.0.0.1:8001')).toEqual(['one', 'three'])
  expect(cookie.read(request({}), '127.0.0.1:8001')).toEqual([])
})

test('whether it is https the browser says', () => {
  expect(isSecure(request({ origin: 'https://a' }))).toBe(true)
  expect(isSecure(request({ origin: 'http://a' }))).toBe(false)
  expect(isSecure(request({}))).toBe(false)
})
