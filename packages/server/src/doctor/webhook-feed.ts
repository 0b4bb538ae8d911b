import type { Config } from '../config/config.ts'
import type { Feed, Told } from '../feed.ts'
import type { SeenCall } from '../webhooks/seen-call.ts'
import { explainCall, type WebhookCall } from './webhook-call.ts'

/** The last calls of webhooks, explained when somebody looks. */
export interface WebhookFeed {
  /** What is kept of those after this number, oldest first; all of it, without one. */
  after(number?: number): Promise<Told<WebhookCall>[]>
  /** Hears of those from now on, in order, until the function that comes back is called. A listener must not throw. */
  listen(hear: (told: Told<WebhookCall>) => void): () => void
}

export function createWebhookFeed(calls: Feed<SeenCall>, config: () => Config): WebhookFeed {
  const explain = async ({ number, what }: Told<SeenCall>) => ({ number, what: await explainCall(what, config()) })

  return {
    after: (number) => Promise.all(calls.after(number).map(explain)),

    listen(hear) {
      let last = Promise.resolve()
      let ended = false
      const stop = calls.listen((told) => {
        const explained = explain(told)
        // One that is explained sooner waits for those before it.
        last = last.then(async () => {
          const one = await explained
          if (!ended) hear(one)
        })
      })
      return () => {
        ended = true
        stop()
      }
    },
  }
}
