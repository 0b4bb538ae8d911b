import type { WebhookConfig } from '../config/config.ts'
import type { WebhookName } from '../webhooks/callbacks.ts'
import { webhookUrl } from '../webhooks/http.ts'

/** Where a webhook goes, and the options that say so. */
export interface Place {
  readonly webhook: WebhookName
  readonly url: URL
  /** Without what may hold a password or a token. */
  readonly shown: string
  /** `host:port`, with the port that the scheme stands for. */
  readonly listener: string
  readonly flags: { readonly address: string; readonly path: string; readonly https: string; readonly http: string }
}

export function placeOf(config: WebhookConfig, webhook: WebhookName): Place {
  const url = webhookUrl(config, webhook)
  const single = '--cb-single-url'
  const flags =
    config.singleUrl === undefined
      ? {
          address: '--cbhost and --cbport',
          path: '--cbpath',
          https: 'give --cbhttps, and the port of https as --cbport',
          http: 'leave --cbhttps out, or give the port of https as --cbport',
        }
      : { address: single, path: single, https: `begin ${single} with https`, http: `begin ${single} with http` }
  return {
    webhook,
    url,
    shown: url.origin + url.pathname,
    listener: `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`,
    flags,
  }
}
