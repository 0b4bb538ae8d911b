import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { type Express } from 'express'
import { callbackRouter, points } from './callbacks.ts'
import { startMeter } from './meter.ts'
import { graphPage } from './page.ts'

export interface GraphOptions {
  /** Where a page that was opened on this hostname finds the hub: the hub asks for its own hostname as the page's origin. */
  hubUrl: (hostname: string) => string
  /** What the hub shows with every webhook. */
  webhookSecret: string
}

const chartJs = dirname(createRequire(import.meta.url).resolve('chart.js'))

export function createGraphApp({ hubUrl, webhookSecret }: GraphOptions): { app: Express; close: () => void } {
  const meter = startMeter(points)
  const app = express()
  app.disable('x-powered-by')

  app.get('/health', (_request, response) => {
    response.json({ status: 'ok' })
  })

  app.use('/hookbox', callbackRouter(meter, webhookSecret))

  /** What the hub polls, once per second for as long as somebody looks. */
  app.get('/load', (_request, response) => {
    response.set('cache-control', 'no-store').json(meter.measurements.at(-1)?.load)
  })

  app.get('/', (request, response) => {
    const hub = hubUrl(request.hostname)
    response.set('cache-control', 'no-store').set('content-security-policy', policy(hub)).send(graphPage(hub))
  })

  app.get('/chart.js', (_request, response) => {
    response.sendFile('chart.umd.min.js', { root: chartJs })
  })
  app.use(express.static(fileURLToPath(new URL('public', import.meta.url))))

  return { app, close: () => meter.close() }
}

/** The page runs its own scripts and the hub's, and talks to these two only. */
function policy(hub: string): string {
  const { origin } = new URL(hub)
  const socket = origin.replace(/^http/, 'ws')
  return `default-src 'self'; script-src 'self' ${origin}; connect-src 'self' ${origin} ${socket}; frame-ancestors 'none'; base-uri 'none'`
}
