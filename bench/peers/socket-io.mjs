// Rooms, without anything else that could be switched on.
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const http = createServer()
const server = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false })
server.on('connection', (socket) => {
  socket.on('sub', (channel, done) => {
    socket.join(channel)
    done?.()
  })
  socket.on('pub', (channel, data, done) => {
    server.to(channel).emit('msg', data)
    done?.()
  })
})
http.listen(Number(process.argv[2]), '127.0.0.1', 4096)
