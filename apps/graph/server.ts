import { createGraphApp } from './app.ts'

const { PORT = '8020', HOOKBOX_PORT = '8002', HOOKBOX_WEBHOOK_SECRET: webhookSecret } = process.env

if (!webhookSecret) {
  console.error('Set HOOKBOX_WEBHOOK_SECRET to the webhook secret of the hub.')
  process.exit(1)
}

const { app, close } = createGraphApp({
  webhookSecret,
  hubUrl: (hostname) => `http://${hostname}:${HOOKBOX_PORT}`,
})

const server = app.listen(Number(PORT), '127.0.0.1', (error?: Error) => {
  if (error) {
    console.error(`The graph cannot listen on port ${PORT}: ${error.message}`)
    process.exit(1)
  }
  console.log(`graph: http://localhost:${PORT}`)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(close)
    server.closeAllConnections()
  })
}
