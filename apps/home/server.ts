import { createHomeApp } from './app.ts'

const {
  PORT = '8000',
  CHAT_PORT = '8010',
  GRAPH_PORT = '8020',
  CARDS_PORT = '8030',
  GRAPH_HUB_PORT = '8002',
} = process.env

const onPort = (port: string) => (hostname: string) => `http://${hostname}:${port}`

const { app, close } = createHomeApp({
  chatUrl: onPort(CHAT_PORT),
  graphUrl: onPort(GRAPH_PORT),
  cardsUrl: onPort(CARDS_PORT),
  hubUrl: onPort(GRAPH_HUB_PORT),
})

const server = app.listen(Number(PORT), '127.0.0.1', (error?: Error) => {
  if (error) {
    console.error(`The home page cannot listen on port ${PORT}: ${error.message}`)
    process.exit(1)
  }
  console.log(`home: http://localhost:${PORT}`)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(close)
    server.closeAllConnections()
  })
}
