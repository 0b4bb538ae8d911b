import { fileURLToPath } from 'node:url'
import { createChatApp } from './app.ts'

const {
  PORT = '8010',
  HOOKBOX_PORT = '8001',
  HOOKBOX_WEBHOOK_SECRET: webhookSecret,
  CHAT_DATABASE: databaseFile = fileURLToPath(new URL('data/chat.sqlite', import.meta.url)),
} = process.env

if (!webhookSecret) {
  console.error('Set HOOKBOX_WEBHOOK_SECRET to the webhook secret of the hub.')
  process.exit(1)
}

const { app, close } = createChatApp({
  databaseFile,
  webhookSecret,
  hubUrl: (hostname) => `http://${hostname}:${HOOKBOX_PORT}`,
})

const server = app.listen(Number(PORT), '127.0.0.1', (error?: Error) => {
  if (error) {
    console.error(`The chat cannot listen on port ${PORT}: ${error.message}`)
    process.exit(1)
  }
  console.log(`chat: http://localhost:${PORT}`)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(close)
    server.closeAllConnections()
  })
}
