import { expect, test } from 'vitest'
import { webSocketAddress } from '../src/address.ts'

test.each([
  ['https://hub.example.org', 'wss://hub.example.org/ws'],
  ['http://localhost:8001/', 'ws://localhost:8001/ws'],
  ['ws://localhost:8001/base', 'ws://localhost:8001/base/ws'],
  ['wss://hub.example.org/a/b/', 'wss://hub.example.org/a/b/ws'],
  ['https://hub.example.org/?key=1#top', 'wss://hub.example.org/ws?key=1'],
  ['/hookbox', 'wss://page.example.org/hookbox/ws'],
  ['hub', 'wss://page.example.org/app/hub/ws'],
  ['//hub.example.org', 'wss://hub.example.org/ws'],
])('%s is %s', (url, address) => {
  expect(webSocketAddress(url, 'https://page.example.org/app/index.html')).toBe(address)
})

test.each(['ftp://hub.example.org', 'hub', ''])('%j is no address outside a page', (url) => {
  expect(() => webSocketAddress(url)).toThrow(expect.objectContaining({ code: 'bad_request' }))
})
