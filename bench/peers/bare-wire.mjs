// The most that a hub over ws could reach: it speaks the hub's wire, and joins and shares what it writes as the hub does, but
// has no users, history, presence or rules, checks nothing of what it is told, and asks a web application only where one is
// named, and then about each page that connects and each publish.
import { createRequire } from 'node:module'
import { WebSocketServer } from 'ws'

const { Agent } = createRequire(new URL('../../packages/server/package.json', import.meta.url))('undici')
const [port, application] = process.argv.slice(2)
const agent = new Agent({ connections: 128, pipelining: 1 })
const epoch = '0123456789abcdef0123456789abcdef'

/** By name: who is in it, what was published last, and what is to be told when this turn is over. */
const channels = new Map()
/** What has something to write when this turn is over. */
let due = []

function later(one) {
  if (due.length === 0) setImmediate(flush)
  due.push(one)
}

function flush() {
  const all = due
  due = []
  for (const one of all) {
    const message = messageOf(one.frames)
    one.frames = []
    for (const socket of one.sockets) socket.write(message)
  }
}

function add(one, frame) {
  if (one.frames.length === 0) later(one)
  one.frames.push(frame)
}

/** A text message in one frame, unmasked (RFC 6455 §5.2). */
function messageOf(frames) {
  const text = frames.join('\n')
  const length = Buffer.byteLength(text)
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const message = Buffer.allocUnsafe(head + length)
  message[0] = 0x81
  message[1] = head === 2 ? length : head === 4 ? 126 : 127
  if (head === 4) message.writeUInt16BE(length, 2)
  if (head === 10) message.writeBigUInt64BE(BigInt(length), 2)
  message.write(text, head)
  return message
}

function channelOf(name) {
  const channel = channels.get(name) ?? { sockets: new Set(), frames: [], offset: 0 }
  channels.set(name, channel)
  return channel
}

async function ask(fields) {
  if (application === undefined) return
  const body = new URLSearchParams(fields).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'webhook-id': epoch }
  const origin = `http://127.0.0.1:${application}`
  const answer = await agent.request({ origin, path: '/', method: 'POST', headers, body })
  if (JSON.parse(await answer.body.text())[0] !== true) throw new Error('the application said no')
}

function connected(id, { payload }) {
  const limits = { frame: 65_536, message: 1_048_576, channels: 128 }
  return JSON.stringify([id, 'CONNECTED', { name: payload.name, payload, id: epoch, ping: 25, linger: 0, limits }])
}

function subscribed(id, name) {
  const options = { presenceful: false, reflective: true, history_size: 0, history_duration: 0 }
  const position = `${epoch}:${channelOf(name).offset}`
  return JSON.stringify([id, 'SUBSCRIBED', { channel_name: name, position, ...options, history: [], state: {} }])
}

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(port),
  perMessageDeflate: false,
  clientTracking: false,
  backlog: 4096,
})
server.on('connection', (page, request) => {
  const own = { sockets: [request.socket], frames: [] }
  const inside = []
  /** What the page has asked for is done one after the other. */
  let before
  function received(line) {
    const [id, name, args] = JSON.parse(line)
    if (name === 'CONNECT') {
      const fields = { action: 'connect', conn_id: epoch, payload: JSON.stringify(args.payload) }
      before = ask(fields).then(() => add(own, connected(id, args)))
    } else if (name === 'SUBSCRIBE') {
      before.then(() => {
        const channel = channelOf(args.channel_name)
        channel.sockets.add(request.socket)
        inside.push(channel)
        add(own, subscribed(id, args.channel_name))
      })
    } else if (name === 'PUBLISH' && application === undefined) published(id, args)
    else if (name === 'PUBLISH') {
      const payload = JSON.stringify(args.payload)
      const fields = { action: 'publish', channel_name: args.channel_name, payload, originator: 'u0' }
      before = before.then(() => ask(fields)).then(() => published(id, args))
    }
  }
  function published(id, args) {
    const channel = channelOf(args.channel_name)
    const position = `${epoch}:${++channel.offset}`
    add(own, `[${id},"RESULT",{"position":"${position}"}]`)
    if (channel.sockets.size === 0) return
    add(channel, `[0,"PUBLISH",${JSON.stringify({ ...args, offset: channel.offset, user: 'u0' })}]`)
  }
  page.on('error', () => {})
  page.on('message', (bytes) => {
    for (const line of bytes.toString().split('\n')) received(line)
  })
  page.on('close', () => {
    for (const channel of inside) channel.sockets.delete(request.socket)
  })
})
