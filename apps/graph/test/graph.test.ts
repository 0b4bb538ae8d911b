import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createGraphApp } from '../app.ts'
import { startMeter } from '../meter.ts'

const webhookSecret = 'a secret for the tests'
let url: string
let stop: () => Promise<void>

beforeEach(async () => {
  const { app, close } = createGraphApp({ hubUrl: (hostname) => `http://${hostname}:8002`, webhookSecret })
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    close()
  }
})

afterEach(async () => {
  vi.useRealTimers()
  await stop()
})

/** Asks as the hub does. */
async function ask(name: string, fields: Record<string, string> = {}) {
  const body = new URLSearchParams({ action: name, secret: webhookSecret, ...fields })
  const response = await fetch(`${url}/hookbox/${name}`, { method: 'POST', body })
  expect(response.status).toBe(200)
  return (await response.json()) as [boolean, Record<string, unknown>]
}

const aPercentage = expect.toSatisfy((value: number) => value >= 0 && value <= 100, 'from 0 to 100')
const aLoad = { cpu: aPercentage, memory: aPercentage }

test('the channel keeps 30 points and is fed by polling this application', async () => {
  expect(await ask('create_channel', { channel_name: 'load' })).toEqual([
    true,
    {
      history_size: 30,
      history: [['PUBLISH', { user: 'meter', payload: aLoad, datetime: expect.any(String) }]],
      history_publish_only: true,
      presenceful: true,
      moderated: false,
      moderated_publish: true,
      polling: { url: `${url}/load`, interval: 1.0, mode: 'simple', originator: 'meter' },
    },
  ])
})

test('what is polled is the load of this machine', async () => {
  const response = await fetch(`${url}/load`)
  expect(await response.json()).toEqual(aLoad)
})

test('there is no other channel', async () => {
  expect(await ask('create_channel', { channel_name: 'other' })).toEqual([false, { error: expect.any(String) }])
})

test('everybody may look', async () => {
  expect(await ask('connect', { conn_id: '0123456789abcdef' })).toEqual([true, { name: 'visitor-012345' }])
})

test('nobody may publish, and is told why', async () => {
  const reply = await ask('publish', { channel_name: 'load', originator: 'visitor-012345', payload: '{"cpu":100}' })
  expect(reply).toEqual([false, { error: 'This channel is fed by the server.' }])
})

test('a wrong secret opens nothing', async () => {
  const response = await fetch(`${url}/hookbox/connect`, { method: 'POST', body: new URLSearchParams({ secret: 'x' }) })
  expect(response.status).toBe(403)
})

test('the page finds the hub on the hostname it was opened with, and Chart.js here', async () => {
  const page = await fetch(url)
  expect(await page.text()).toContain('<script src="http://127.0.0.1:8002/static/hookbox.js"></script>')
  const chart = await fetch(`${url}/chart.js`)
  expect(chart.headers.get('content-type')).toContain('javascript')
})

test('the meter measures every second and remembers as many as it was told', () => {
  vi.useFakeTimers()
  const meter = startMeter(30)
  expect(meter.measurements).toHaveLength(1)
  vi.advanceTimersByTime(40_000)
  expect(meter.measurements).toHaveLength(30)
  const times = meter.measurements.map(({ datetime }) => Date.parse(datetime))
  expect(times.at(-1)).toBe(Date.now())
  expect(times[0]).toBe(Date.now() - 29_000)
  meter.close()
  expect(vi.getTimerCount()).toBe(0)
})
