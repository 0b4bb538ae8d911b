import { createHash, timingSafeEqual } from 'node:crypto'
import express, { type Router } from 'express'
import type { ChatDatabase } from './database.ts'

/** What the hub is told: yes or no, and the details. */
type Reply = [success: boolean, details: object]
type Fields = Partial<Record<string, string>>

/** Everything that Hookbox asks this application: who someone is, and what they may do. */
export interface Callbacks {
  [name: string]: (fields: Fields, session: string | undefined) => Reply
}

const rooms = new Set(['chat'])
const longest = 500
const refusedWord = /\bspam\b/i

export function chatCallbacks(database: ChatDatabase): Callbacks {
  return {
    /** The cookie is the one of the sign-in form: the hub passes on what the browser sent it. */
    connect(_fields, session) {
      const name = session && database.nameOf(session)
      return name ? [true, { name }] : [false, { error: 'Please sign in first.' }]
    },

    create_channel({ channel_name = '' }) {
      if (!rooms.has(channel_name)) return [false, { error: `There is no room called “${channel_name}”.` }]
      const history_size = 20
      const history = database.last(channel_name, history_size)
      return [true, { history_size, history, presenceful: true, reflective: true }]
    },

    publish({ channel_name = '', payload = 'null', originator = '', message_id }, session) {
      // Another tab may have signed out. What the REST interface publishes carries no cookie at all.
      if (session && !database.nameOf(session)) return [false, { error: 'You have signed out.' }]
      const text = textOf(payload)?.trim()
      if (!text) return [false, { error: 'A message needs some text.' }]
      if ([...text].length > longest) return [false, { error: `A message has at most ${longest} characters.` }]
      if (refusedWord.test(text)) return [false, { error: 'No spam in here, please.' }]
      database.keepMessage({ channel: channel_name, user: originator, text, messageId: message_id })
      // Nothing but the text travels on, whatever else a page may have put into its payload.
      return [true, { override_payload: { text } }]
    },

    subscribe({ channel_name = '', user = '' }) {
      database.keepMove('SUBSCRIBE', channel_name, user)
      return [true, {}]
    },

    unsubscribe({ channel_name = '', user = '' }) {
      database.keepMove('UNSUBSCRIBE', channel_name, user)
      return [true, {}]
    },

    /** A hub that was killed had no chance to tell who left. */
    hub_started() {
      database.everybodyLeft()
      return [true, {}]
    },

    disconnect: () => [true, {}],

    /** The room may go with its last visitor: its history is in the database. */
    destroy_channel: () => [true, {}],

    message: () => [false, { error: 'This chat has no private messages.' }],
  }
}

function textOf(payload: string): string | undefined {
  try {
    const value: unknown = JSON.parse(payload)
    if (typeof value !== 'object' || value === null || !('text' in value)) return undefined
    return typeof value.text === 'string' ? value.text : undefined
  } catch {
    return undefined
  }
}

/** Answers `POST /hookbox/{callback}`, and nobody but the hub. */
export function callbackRouter(
  callbacks: Callbacks,
  webhookSecret: string,
  sessionOf: (cookies?: string) => string | undefined,
): Router {
  const router = express.Router()
  router.use(express.urlencoded({ extended: false }))
  router.post('/:name', (request, response) => {
    const { name } = request.params
    const fields: Fields = request.body ?? {}
    if (!same(fields.secret ?? '', webhookSecret)) {
      response.status(403).json([false, { error: 'The webhook secret is wrong.' }])
      return
    }
    const answer = Object.hasOwn(callbacks, name) ? callbacks[name] : undefined
    if (answer) response.json(answer(fields, sessionOf(request.headers.cookie)))
    else response.status(404).json([false, { error: `There is no callback ${name}.` }])
  })
  return router
}

/** Takes equally long however much of a guess is right. */
function same(given: string, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret))
}
