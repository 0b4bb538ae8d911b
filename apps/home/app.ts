import { fileURLToPath } from 'node:url'
import express, { type Express } from 'express'
import { homePage } from './page.ts'

/** A page that was opened on this hostname finds this there: demos and hubs differ in their ports only. */
type Address = (hostname: string) => string

export interface HomeOptions {
  chatUrl: Address
  graphUrl: Address
  cardsUrl: Address
  /** The graph's hub, which lets everybody look. */
  hubUrl: Address
}

export function createHomeApp({ chatUrl, graphUrl, cardsUrl, hubUrl }: HomeOptions): {
  app: Express
  close: () => void
} {
  const app = express()
  app.disable('x-powered-by')

  app.get('/health', (_request, response) => {
    response.json({ status: 'ok' })
  })

  app.get('/', ({ hostname }, response) => {
    const hub = hubUrl(hostname)
    response.set('cache-control', 'no-store').set('content-security-policy', policy(hub))
    const [chat, graph, cards] = [chatUrl(hostname), graphUrl(hostname), cardsUrl(hostname)]
    response.send(homePage({ hub, chat, graph, cards }))
  })

  app.use(express.static(fileURLToPath(new URL('public', import.meta.url))))

  return { app, close: () => {} }
}

/** The page runs its own script and the hub's, and talks to these two only. */
function policy(hub: string): string {
  const { origin } = new URL(hub)
  const socket = origin.replace(/^http/, 'ws')
  return `default-src 'self'; script-src 'self' ${origin}; connect-src 'self' ${origin} ${socket}; frame-ancestors 'none'; base-uri 'none'`
}
