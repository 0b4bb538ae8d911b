// What the HTTP client of the hub reaches by itself: it asks the web application about one publish after another, with the
// fields, the headers and the connections of the hub's own webhooks.
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'

const { Agent } = createRequire(new URL('../../packages/server/package.json', import.meta.url))('undici')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'in-flight': { type: 'string' }, warmup: { type: 'string' }, duration: { type: 'string' } },
})
const agent = new Agent({ connections: 128, pipelining: 1 })
const origin = `http://127.0.0.1:${positionals[0]}`
const fields = {
  action: 'publish',
  channel_name: 'c0',
  payload: `{"t":"@T0123456789012345","p":"${'x'.repeat(97)}"}`,
  originator: 'u0',
}
const headers = {
  'content-type': 'application/x-www-form-urlencoded',
  'user-agent': 'hookbox/0.0.0',
  'webhook-id': '0123456789abcdef0123456789abcdef',
  'x-real-ip': '127.0.0.1',
}

let answered = 0
let over = false
async function ask() {
  while (!over) {
    const body = new URLSearchParams(fields).toString()
    const { statusCode, body: answer } = await agent.request({ origin, path: '/', method: 'POST', headers, body })
    const text = await answer.text()
    if (statusCode !== 200 || JSON.parse(text)[0] !== true) throw new Error(`the application answered ${text}`)
    answered++
  }
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
const all = Promise.all(Array.from({ length: Number(values['in-flight']) }, ask))
await Promise.race([all, pause(Number(values.warmup))])
const before = { answered, cpu: process.cpuUsage(), at: performance.now() }
await Promise.race([all, pause(Number(values.duration))])
const seconds = (performance.now() - before.at) / 1_000
const done = answered - before.answered
const { user, system } = process.cpuUsage(before.cpu)
over = true
await all
process.stdout.write(`${JSON.stringify({ msgs_per_s: Math.round(done / seconds), cpu_us: (user + system) / done })}\n`)
process.exit()
