import { createCardsApp } from './app.ts'

const {
  PORT = '8030',
  HOOKBOX_PORT = '8003',
  HOOKBOX_WEBHOOK_SECRET: webhookSecret,
  HOOKBOX_API_SECURITY_TOKEN: apiSecurityToken,
} = process.env

if (!webhookSecret || !apiSecurityToken) {
  console.error('Set HOOKBOX_WEBHOOK_SECRET and HOOKBOX_API_SECURITY_TOKEN to the two secrets of the hub.')
  process.exit(1)
}

const { app, close } = createCardsApp({
  webhookSecret,
  apiSecurityToken,
  restUrl: `http://127.0.0.1:${HOOKBOX_PORT}`,
  hubUrl: (hostname) => `http://${hostname}:${HOOKBOX_PORT}`,
})

const server = app.listen(Number(PORT), '127.0.0.1', (error?: Error) => {
  if (error) {
    console.error(`The card table cannot listen on port ${PORT}: ${error.message}`)
    process.exit(1)
  }
  console.log(`cards: http://localhost:${PORT}`)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(close)
    server.closeAllConnections()
  })
}
