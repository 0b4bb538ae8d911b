import { fileURLToPath } from 'node:url'
import express, { type Express } from 'express'
import { callbackRouter, chatCallbacks } from './callbacks.ts'
import { openDatabase } from './database.ts'
import { chatPage, signInPage } from './pages.ts'
import { cookieFor, noCookie, sessionOf } from './session-cookie.ts'

export interface ChatOptions {
  databaseFile: string
  /** Where a page that was opened on this hostname finds the hub: the cookie goes to this hostname only. */
  hubUrl: (hostname: string) => string
  /** What the hub shows with every webhook. */
  webhookSecret: string
}

/** Letters of any script, digits and what stands between them. */
const goodName = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._'’-]{0,19}$/u

export function createChatApp({ databaseFile, hubUrl, webhookSecret }: ChatOptions): {
  app: Express
  close: () => void
} {
  const database = openDatabase(databaseFile)
  const app = express()
  app.disable('x-powered-by')

  app.get('/health', (_request, response) => {
    response.json({ status: 'ok' })
  })

  app.use('/hookbox', callbackRouter(chatCallbacks(database), webhookSecret, sessionOf))

  app.use(express.static(fileURLToPath(new URL('public', import.meta.url))))

  app.use((request, response, next) => {
    response.set('cache-control', 'no-store').set('content-security-policy', policy(hubUrl(request.hostname)))
    next()
  })

  app.get('/', (request, response) => {
    const session = sessionOf(request.headers.cookie)
    const name = session && database.nameOf(session)
    response.send(name ? chatPage({ name, hub: hubUrl(request.hostname) }) : signInPage({}))
  })

  app.post('/sign-in', express.urlencoded({ extended: false }), (request, response) => {
    const name = String(request.body?.name ?? '')
      .trim()
      .replace(/\s+/g, ' ')
      .normalize()
    if (!goodName.test(name)) {
      const error = 'A name has 1 to 20 letters or digits.'
      response.status(400).send(signInPage({ name, error }))
      return
    }
    response.set('set-cookie', cookieFor(database.signIn(name))).redirect(303, '/')
  })

  app.post('/sign-out', (request, response) => {
    const session = sessionOf(request.headers.cookie)
    if (session) database.signOut(session)
    response.set('set-cookie', noCookie).redirect(303, '/')
  })

  return { app, close: () => database.close() }
}

/** The page runs its own script and the hub's, and talks to these two only. */
function policy(hub: string): string {
  const { origin } = new URL(hub)
  const socket = origin.replace(/^http/, 'ws')
  return `default-src 'self'; script-src 'self' ${origin}; connect-src 'self' ${origin} ${socket}; frame-ancestors 'none'; base-uri 'none'`
}
