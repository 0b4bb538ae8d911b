import { randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import express, { type Express } from 'express'
import { Absence, callbackRouter, cardsCallbacks, giveUpSeat } from './callbacks.ts'
import { seededRandom } from './cards.ts'
import { Dealer } from './dealer.ts'
import { signInPage, tablePage } from './pages.ts'
import { restOf } from './rest.ts'
import { cookieFor, noCookie, sessionOf } from './session-cookie.ts'
import { Sessions } from './sessions.ts'
import { Table } from './table.ts'

export interface CardsOptions {
  /** Where a page that was opened on this hostname finds the hub: the cookie goes to this hostname only. */
  hubUrl: (hostname: string) => string
  /** Where this application itself finds the hub. */
  restUrl: string
  /** What this application shows to the hub with every call. */
  apiSecurityToken: string
  /** What the hub shows with every webhook. */
  webhookSecret: string
  /** The same cards each time, for tests. */
  seed?: number
  /** Milliseconds for which seats are kept when a hub has been started again; default 20,000. */
  grace?: number
}

/** Letters of any script, digits and what stands between them. */
const goodName = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._'’-]{0,19}$/u

export function createCardsApp({
  hubUrl,
  restUrl,
  apiSecurityToken,
  webhookSecret,
  seed,
  grace = 20_000,
}: CardsOptions): { app: Express; close: () => void } {
  const table = new Table(seed === undefined ? (count) => randomInt(count) : seededRandom(seed))
  const sessions = new Sessions()
  const dealer = new Dealer(table, restOf(restUrl, apiSecurityToken))
  const absence = new Absence(grace)
  const app = express()
  app.disable('x-powered-by')

  app.get('/health', (_request, response) => {
    response.json({ status: 'ok' })
  })

  const callbacks = cardsCallbacks(table, sessions, dealer, absence)
  app.use(
    '/hookbox',
    callbackRouter(callbacks, webhookSecret, sessionOf, () => dealer.tell()),
  )

  app.use(express.static(fileURLToPath(new URL('public', import.meta.url))))

  app.use((request, response, next) => {
    response.set('cache-control', 'no-store').set('content-security-policy', policy(hubUrl(request.hostname)))
    next()
  })

  app.get('/', (request, response) => {
    const name = sessions.nameOf(sessionOf(request.headers.cookie))
    response.send(name ? tablePage({ name, hub: hubUrl(request.hostname) }) : signInPage({}))
  })

  app.post('/sign-in', express.urlencoded({ extended: false }), (request, response) => {
    const name = String(request.body?.name ?? '')
      .trim()
      .replace(/\s+/g, ' ')
      .normalize()
    if (sessions.nameOf(sessionOf(request.headers.cookie)) === name) {
      response.redirect(303, '/')
      return
    }
    if (!goodName.test(name)) {
      const error = 'A name has 1 to 20 letters or digits.'
      response.status(400).send(signInPage({ name, error }))
      return
    }
    const session = sessions.signIn(name)
    if (session) response.set('set-cookie', cookieFor(session)).redirect(303, '/')
    else response.status(409).send(signInPage({ name, error: `Somebody called ${name} is here already.` }))
  })

  app.post('/sign-out', async (request, response) => {
    const session = sessionOf(request.headers.cookie)
    const name = sessions.nameOf(session)
    if (session && name) {
      sessions.signOut(session)
      giveUpSeat(name, table, dealer)
      dealer.tell()
      await dealer.putOut(name)
    }
    response.set('set-cookie', noCookie).redirect(303, '/')
  })

  const close = () => {
    absence.end()
    dealer.close()
  }
  return { app, close }
}

/** The page runs its own script and the hub's, and talks to these two only. */
function policy(hub: string): string {
  const { origin } = new URL(hub)
  const socket = origin.replace(/^http/, 'ws')
  return `default-src 'self'; script-src 'self' ${origin}; connect-src 'self' ${origin} ${socket}; frame-ancestors 'none'; base-uri 'none'`
}
