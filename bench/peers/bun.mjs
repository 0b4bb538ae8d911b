// Bun's own WebSocket server, which is uWebSockets, with its own topics.
/* global Bun */
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.argv[2]),
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response('expected a WebSocket', { status: 400 })
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    backpressureLimit: 16 << 20,
    message(socket, bytes) {
      const message = JSON.parse(bytes)
      if (message.op === 'sub') {
        socket.subscribe(message.ch)
        socket.send('{"op":"ok"}')
        return
      }
      server.publish(message.ch, JSON.stringify({ ch: message.ch, data: message.data }))
      if (message.id) socket.send(JSON.stringify({ ack: message.id }))
    },
  },
})
