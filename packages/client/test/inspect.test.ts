import { afterEach, describe, expect, test, vi } from 'vitest'
import { type InspectOptions, inspect } from '../src/inspect.ts'
import { clock, useClock } from './kit/clock.ts'
import { connected, publish, refusal, result, subscribed, World } from './kit/world.ts'

useClock()
afterEach(() => vi.unstubAllGlobals())

type Line = readonly [how: 'log' | 'warn' | 'debug', text: string, details?: unknown]

/** A page whose connection is watched, and what its console says. */
function watched(options: InspectOptions = {}) {
  const lines: Line[] = []
  const write =
    (how: Line[0]) =>
    (...args: [string, unknown?]) => {
      lines.push([how, ...args])
    }
  const console = { log: write('log'), warn: write('warn'), debug: write('debug') }
  const world = new World()
  const conn = world.connect({ log: inspect({ console, ...options }), payload: 1, cookies: 'session=secret-1' })
  /** What was said since the last look, without what belongs to it. */
  const said = () => lines.splice(0).map(([how, text]) => (how === 'log' ? text : `${how}: ${text}`))
  return { world, conn, lines, said }
}

describe('an inspector', () => {
  test('shows frames by their names, and answers with what they answer and how long that took', async () => {
    const { world, conn, said } = watched()
    conn.subscribe('chat')
    await clock.settle()
    const { socket } = world
    socket.opens()
    await clock.turn(12)
    socket.hears(connected(1))
    socket.hears(subscribed(2, 'chat'))
    expect(said()).toEqual([
      'hookbox ↑ #1 CONNECT',
      'hookbox ↑ #2 SUBSCRIBE chat',
      'hookbox ↓ #1 CONNECTED as ann (12 ms)',
      'hookbox ● connected',
      'hookbox ↓ #2 SUBSCRIBED chat (12 ms)',
    ])
    conn.publish('chat', 'hello')
    conn.publish('chat', 'refused').catch(() => {})
    await clock.turn(5)
    socket.hears(publish('chat', 1, 'hello'), result(3, { position: 'e1:1' }), refusal(4, 'refused', false, 'not you'))
    socket.hears([0, 'UNSUBSCRIBED', { channel_name: 'chat', reason: 'removed' }], [0, 'PING', {}])
    await clock.settle()
    expect(said()).toEqual([
      'hookbox ↑ #3 PUBLISH chat',
      'hookbox ↑ #4 PUBLISH chat',
      'hookbox ↓ PUBLISH chat',
      'hookbox ↓ #3 RESULT to PUBLISH chat (5 ms)',
      'warn: hookbox ↓ #4 ERROR to PUBLISH chat: not you (5 ms)',
      'hookbox ↓ UNSUBSCRIBED chat: removed',
      'debug: hookbox ↓ PING',
      'debug: hookbox ↑ PONG',
    ])
  })

  test('gives the arguments beside, as they can be opened there, and none where there are none', async () => {
    const { world, conn, lines } = watched()
    const socket = await world.welcome()
    lines.length = 0
    conn.message('bob', { text: 'hi' }, { id: 'm1' })
    await clock.settle()
    socket.hears([0, 'PING', {}])
    expect(lines.slice(0, 2)).toEqual([
      ['log', 'hookbox ↑ #2 MESSAGE', { name: 'bob', payload: { text: 'hi' }, message_id: 'm1' }],
      ['debug', 'hookbox ↓ PING'],
    ])
  })

  test('says what came of a break: why it ended, when the next try is, what was recovered', async () => {
    const { world, conn, said } = watched()
    conn.subscribe('chat')
    conn.subscribe('news')
    const socket = await world.welcome()
    socket.hears(subscribed(2, 'chat'), subscribed(3, 'news'))
    said()
    socket.ends(1006, '', false)
    expect(said()).toEqual([
      'hookbox ✕ closed with 1006, the line broke, or none opened; comes back',
      'hookbox ● waiting, next try in 0.8 s',
    ])
    await clock.turn(800)
    const next = await world.welcome()
    next.hears(
      subscribed(5, 'chat', { recovered: true, missed: 0 }),
      subscribed(6, 'news', { recovered: false, position: 'e2:0' }),
    )
    expect(said()).toEqual([
      'hookbox ● connecting',
      'hookbox ↑ #4 CONNECT',
      'hookbox ↑ #5 SUBSCRIBE chat',
      'hookbox ↑ #6 SUBSCRIBE news',
      'hookbox ↓ #4 CONNECTED as ann (0 ms)',
      'hookbox ● connected',
      'hookbox ↓ #5 SUBSCRIBED chat: recovered, 0 missed follow (0 ms)',
      'hookbox ↓ #6 SUBSCRIBED news: not recovered, what was missed is lost (0 ms)',
    ])
  })

  test('warns of what is over for good, with the reason that the hub gave', async () => {
    const { world, said } = watched()
    const socket = await world.welcome()
    said()
    socket.ends(4403, 'logged out', true)
    expect(said()).toEqual([
      'warn: hookbox ✕ closed with 4403, the application put this user out: "logged out"; over for good',
      'hookbox ● closed',
    ])
  })

  test('warns of no more than it must when the page leaves', async () => {
    const { world, conn, said } = watched()
    await world.welcome()
    said()
    conn.disconnect()
    expect(said()).toEqual([
      'hookbox ✕ closed with 1000, on purpose: "disconnected"; over for good',
      'hookbox ● closed',
    ])
  })

  test('shows what is no frame, and the error that it is', async () => {
    const { world, lines } = watched()
    const socket = await world.welcome()
    lines.length = 0
    socket.hearsText('<html>login</html>')
    expect(lines.slice(0, 2)).toEqual([
      ['warn', 'hookbox ↓ no frame:', '<html>login</html>'],
      [
        'log',
        'hookbox ✕ closed with 4500, something went wrong, in the hub or with what it said: "not understood"; comes back',
      ],
    ])
    expect(lines.slice(2).map(([how, text, details]) => [how, text, String(details)])).toContainEqual([
      'warn',
      'hookbox ! malformed:',
      'HookboxError: not understood',
    ])
  })

  test('leaves out cookies and tickets, and tells when a cookie could not be set', async () => {
    const { world, lines } = watched()
    Object.defineProperty(world.document, 'cookie', {
      set() {
        throw new Error('sandboxed')
      },
    })
    const socket = await world.welcome({ ticket: 'secret-2' })
    socket.hears([0, 'SET_COOKIE', { cookie: 'id=secret-3' }])
    await world.breakLine()
    await world.welcome({ ticket: 'secret-4' })
    const all = JSON.stringify(lines)
    expect(all).not.toContain('secret')
    expect(all).toContain('"cookie_string":"(left out)","ticket":"(left out)"')
    expect(lines.map(([how, text]) => [how, text])).toContainEqual(['warn', 'hookbox ! cookie not set:'])
  })

  test('begins its lines with a name of the caller, and writes to the console where nothing else is named', async () => {
    const log = vi.fn()
    vi.stubGlobal('console', { log, warn: log, debug: log })
    const world = new World()
    world.connect({ log: inspect({ label: 'chat' }) })
    await world.welcome()
    expect(log.mock.calls.map(([text]) => text)).toEqual([
      'chat ↑ #1 CONNECT',
      'chat ↓ #1 CONNECTED as ann (0 ms)',
      'chat ● connected',
    ])
  })
})
