import { createHash, timingSafeEqual } from 'node:crypto'
import express, { type Request, type Router } from 'express'
import type { Meter } from './meter.ts'

/** What the hub is told: yes or no, and the details. */
type Reply = [success: boolean, details: object]
type Callback = (fields: Partial<Record<string, string>>, request: Request) => Reply

export const points = 30

/** Everything that Hookbox asks this application. */
function graphCallbacks(meter: Meter): Partial<Record<string, Callback>> {
  return {
    /** Everybody may look; the name only says how many do. */
    connect: ({ conn_id = '' }) => [true, { name: `visitor-${conn_id.slice(0, 6)}` }],

    create_channel({ channel_name }, request) {
      if (channel_name !== 'load') return [false, { error: 'The only channel here is “load”.' }]
      return [
        true,
        {
          history_size: points,
          // The graph is full for the first visitor already.
          history: meter.measurements.map(({ datetime, load }) => [
            'PUBLISH',
            { user: 'meter', payload: load, datetime },
          ]),
          // Visitors who come and go must not push points out of the history.
          history_publish_only: true,
          presenceful: true,
          // Looking needs no question, publishing does.
          moderated: false,
          moderated_publish: true,
          polling: {
            url: `${request.protocol}://${request.get('host')}/load`,
            interval: 1.0,
            mode: 'simple',
            originator: 'meter',
          },
        },
      ]
    },

    publish: () => [false, { error: 'This channel is fed by the server.' }],
    subscribe: () => [true, {}],
    unsubscribe: () => [true, {}],
    disconnect: () => [true, {}],
    hub_started: () => [true, {}],

    /** With the channel ends the polling: nobody looks, nobody asks. */
    destroy_channel: () => [true, {}],

    message: () => [false, { error: 'There are no private messages here.' }],
  }
}

/** Answers `POST /hookbox/{callback}`, and nobody but the hub. */
export function callbackRouter(meter: Meter, webhookSecret: string): Router {
  const callbacks = graphCallbacks(meter)
  const router = express.Router()
  router.use(express.urlencoded({ extended: false }))
  router.post('/:name', (request, response) => {
    const { name } = request.params
    const fields: Partial<Record<string, string>> = request.body ?? {}
    if (!same(fields.secret ?? '', webhookSecret)) {
      response.status(403).json([false, { error: 'The webhook secret is wrong.' }])
      return
    }
    const answer = Object.hasOwn(callbacks, name) ? callbacks[name] : undefined
    if (answer) response.json(answer(fields, request))
    else response.status(404).json([false, { error: `There is no callback ${name}.` }])
  })
  return router
}

/** Takes equally long however much of a guess is right. */
function same(given: string, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret))
}
