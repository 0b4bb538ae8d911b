import { createHash, timingSafeEqual } from 'node:crypto'
import express, { type Router } from 'express'
import { readAction } from './action.ts'
import { channelName, type Dealer } from './dealer.ts'
import { isRefusal } from './game.ts'
import type { Sessions } from './sessions.ts'
import { historySize, type Table } from './table.ts'

/** What the hub is told: yes or no, and the details. */
type Reply = [success: boolean, details: object]
type Fields = Partial<Record<string, string>>

/** Everything that Hookbox asks this application: who someone is, and what they may do. */
export interface Callbacks {
  [name: string]: (fields: Fields, session: string | undefined) => Reply
}

export function cardsCallbacks(table: Table, sessions: Sessions, dealer: Dealer, absence: Absence): Callbacks {
  return {
    connect(_fields, session) {
      const name = sessions.nameOf(session)
      if (!name) return [false, { error: 'Please sign in first.' }]
      sessions.came(name)
      return [true, { name }]
    },

    /** A new channel, also that of a hub that was started again, takes up the game where it is. */
    create_channel({ channel_name = '' }) {
      if (channel_name !== channelName) return [false, { error: `There is no table called “${channel_name}”.` }]
      dealer.startOver()
      return [
        true,
        {
          state: table.state,
          history_size: historySize,
          history: table.history,
          // People who come and go must not push moves out of the history.
          history_publish_only: true,
          presenceful: true,
        },
      ]
    },

    /** Every move: refused with a reason, or told to all in the application's own words. */
    publish({ payload = 'null', originator = '', message_id }, session) {
      if (sessions.nameOf(session) !== originator) return [false, { error: 'You have signed out.' }]
      const action = readAction(payload)
      if (!action) return [false, { error: 'That is no move.' }]
      // Nobody else is told of a look, and it enters no history.
      if (action.move === 'look') return [true, { only_to_sender: true, override_payload: table.viewOf(originator) }]
      const told = table.act(originator, action, message_id)
      return isRefusal(told) ? [false, told] : [true, { override_payload: told }]
    },

    /** Whoever has closed the page for good gives the seat up, and the others go on. */
    disconnect({ name = '' }) {
      sessions.left(name)
      giveUpSeat(name, table, dealer)
      return [true, {}]
    },

    /** The pages of a hub that was killed are about to come back to the new one: seats are kept for a while. */
    hub_started() {
      sessions.missAll()
      absence.begin(() => {
        for (const name of sessions.missing) {
          sessions.left(name)
          giveUpSeat(name, table, dealer)
        }
        dealer.tell()
      })
      return [true, {}]
    },

    subscribe: () => [true, {}],
    unsubscribe: () => [true, {}],

    /** The channel may go with its last visitor: the table is here. */
    destroy_channel: () => [true, {}],

    /** Nobody may pass for the dealer. */
    message: () => [false, { error: 'This table has no private messages between players.' }],
  }
}

export function giveUpSeat(name: string, table: Table, dealer: Dealer): void {
  const told = table.leave(name)
  if (told) dealer.announce(name, told)
}

/** How long those who were here may take to come back. */
export class Absence {
  readonly #grace: number
  #timer: NodeJS.Timeout | undefined

  /** `grace` is in milliseconds. */
  constructor(grace: number) {
    this.#grace = grace
  }

  begin(over: () => void): void {
    this.end()
    this.#timer = setTimeout(over, this.#grace)
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}

/** Answers `POST /hookbox/{callback}`, and nobody but the hub. `replied` runs after each answer. */
export function callbackRouter(
  callbacks: Callbacks,
  webhookSecret: string,
  sessionOf: (cookies?: string) => string | undefined,
  replied: () => void,
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
    if (answer) {
      const reply = answer(fields, sessionOf(request.headers.cookie))
      // The move is told before what follows from it: the hub publishes when it has this answer, and not sooner.
      response.once('finish', replied).json(reply)
    } else response.status(404).json([false, { error: `There is no callback ${name}.` }])
  })
  return router
}

/** Takes equally long however much of a guess is right. */
function same(given: string, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret))
}
