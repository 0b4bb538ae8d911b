// What one writes with ws in thirty lines: no history, no positions, no presence, no rules.
import { WebSocketServer } from 'ws'

const channels = new Map()
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  perMessageDeflate: process.argv[3] === 'deflate' && { threshold: 256 },
  backlog: 4096,
})
server.on('connection', (socket) => {
  const own = []
  socket.on('error', () => {})
  socket.on('message', (bytes) => {
    const message = JSON.parse(bytes.toString())
    const inside = channels.get(message.ch) ?? new Set()
    if (message.op === 'sub') {
      channels.set(message.ch, inside.add(socket))
      own.push(message.ch)
      socket.send('{"op":"ok"}')
      return
    }
    const text = JSON.stringify({ ch: message.ch, data: message.data })
    for (const one of inside) if (one.readyState === 1) one.send(text)
    if (message.id) socket.send(JSON.stringify({ ack: message.id }))
  })
  socket.on('close', () => {
    for (const channel of own) channels.get(channel)?.delete(socket)
  })
})
