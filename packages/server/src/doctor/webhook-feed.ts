import type { Config } from '../config/config.ts'
import type { Feed, Told } from '../feed.ts'
import type { SeenCall } from '../webhooks/seen-call.ts'
import { explainCall, type WebhookCall } from './webhook-call.ts'

/** The last calls of webhooks, explained when somebody looks. */
export interface WebhookFeed {
  /** What is kept of those after this number, oldest first; all of it, without one. */
  after(number?: number): Promise<Told<WebhookCall>[]>
}

export function createWebhookFeed(calls: Feed<SeenCall>, config: () => Config): WebhookFeed {
  const explain = async ({ number, what }: Told<SeenCall>) => ({ number, what: await explainCall(what, config()) })
  return { after: (number) => Promise.all(calls.after(number).map(explain)) }
}
