import type { Json } from '@hookbox/protocol'
import { Inbox, openWirePage, type WebhookReplies, type WirePage, type WirePageOptions } from '@hookbox/testkit'
import type { HookboxOptions } from '../../src/config/options.ts'
import { createHookbox, type Hookbox } from '../../src/hookbox.ts'
import { jsonFields, type WebhookName } from '../../src/webhooks/callbacks.ts'
import type { CallbackCall, CallbackFunctions } from '../../src/webhooks/functions.ts'
import { refuse } from '../../src/webhooks/in-process.ts'
import { RunningHub } from '../kit/running-hub.ts'

/** How a hub asks: the web application by HTTP, or functions in its own process. */
export const ways = ['HTTP', 'functions'] as const
export type Way = (typeof ways)[number]

/** The webhooks of the contract's table. */
export const webhookNames = [
  'connect',
  'disconnect',
  'create_channel',
  'destroy_channel',
  'subscribe',
  'unsubscribe',
  'publish',
  'message',
  'hub_started',
] as const satisfies readonly WebhookName[]

/** `[success, details]`. */
export type Decision = readonly [success: boolean, details: Record<string, unknown> | readonly never[]]

/** What the application answers, from the fields with their JSON read. */
export type Decide = Decision | ((fields: Record<string, unknown>) => Decision | Promise<Decision>)

/** What the application was asked, in the same form whichever way it was. */
export interface Asked {
  readonly action: WebhookName
  /** Without `action`; what is JSON text in the form has been read. */
  readonly fields: Record<string, unknown>
  readonly cookies: Record<string, string>
  readonly address: string | undefined
  readonly id: string | undefined
}

/** A whole hub on a port of its own, whose application decides by a table. */
export class AskingHub implements AsyncDisposable {
  readonly hookbox: Hookbox
  /** Everything that was asked, oldest first. */
  readonly calls: Asked[] = []
  readonly #decisions: Map<WebhookName, Decide>
  readonly #inbox = new Inbox<Asked>(({ action }) => action)
  readonly #end: () => Promise<void>
  readonly #wsUrl: string

  private constructor(hookbox: Hookbox, wsUrl: string, end: () => Promise<void>, table: Table) {
    this.hookbox = hookbox
    this.#wsUrl = wsUrl
    this.#end = end
    this.#decisions = table.decisions
    table.heard = (asked) => {
      this.calls.push(asked)
      this.#inbox.put(asked)
    }
    for (const asked of table.early.splice(0)) table.heard(asked)
  }

  /** The application names a user by the `name` in the payload and allows everything else, unless told otherwise. */
  static async start(
    way: Way,
    decisions: { readonly [N in WebhookName]?: Decide } = {},
    options: HookboxOptions = {},
  ): Promise<AskingHub> {
    const table = new Table(decisions)
    if (way === 'HTTP') {
      const hub = await RunningHub.start(table.replies(), options)
      return new AskingHub(hub.hookbox, hub.wsUrl, () => hub[Symbol.asyncDispose](), table)
    }
    const hookbox = createHookbox({
      port: 0,
      interface: '127.0.0.1',
      linger: 0,
      rate: 0,
      logLevel: 'silent',
      callbacks: table.functions(),
      ...options,
    })
    const { url } = await hookbox.listen()
    return new AskingHub(hookbox, `${url.replace('http', 'ws')}/ws`, () => hookbox.close(), table)
  }

  /** Changes an answer from now on. */
  decide(action: WebhookName, decision: Decide): void {
    this.#decisions.set(action, decision)
  }

  /** The calls of one webhook so far. */
  asked(action: WebhookName): Asked[] {
    return this.calls.filter((asked) => asked.action === action)
  }

  /** The oldest call of that webhook that was not taken yet, or the next one. */
  next(action: WebhookName): Promise<Asked> {
    return this.#inbox.take((asked) => asked.action === action, `a call of ${action}`)
  }

  /** A page that has connected under this name, with a session cookie of its own. */
  async page(name: string, payload: { [key: string]: Json } = {}): Promise<WirePage> {
    const page = await this.stranger({ cookies: { session: name } })
    await page.connect({ payload: { name, ...payload } })
    return page
  }

  /** A page that has not said anything yet. */
  stranger(options: WirePageOptions = {}): Promise<WirePage> {
    return openWirePage(this.#wsUrl, options)
  }

  /** Calls a REST method. */
  call(method: string, fields: { readonly [field: string]: Json } = {}): ReturnType<Hookbox['call']> {
    return this.hookbox.call(method, fields)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
  }
}

/** The application: one table of decisions, asked in either way. */
class Table {
  readonly decisions: Map<WebhookName, Decide>
  /** What was asked before the hub was there to keep it. */
  readonly early: Asked[] = []
  heard = (asked: Asked): void => void this.early.push(asked)

  constructor(decisions: { readonly [N in WebhookName]?: Decide }) {
    this.decisions = new Map(Object.entries(decisions) as [WebhookName, Decide][])
  }

  replies(): Record<string, WebhookReplies> {
    const reply =
      (action: WebhookName): WebhookReplies =>
      async (form, { cookies, headers }) => {
        const { action: _action, ...texts } = form
        const fields = Object.fromEntries(
          Object.entries(texts).map(([field, text]) => [field, jsonFields.has(field) ? JSON.parse(text) : text]),
        )
        this.heard({
          action,
          fields,
          cookies: { ...cookies },
          address: headers['x-real-ip']?.toString(),
          id: headers['webhook-id']?.toString(),
        })
        return this.#decide(action, fields)
      }
    return Object.fromEntries(webhookNames.map((action) => [action, reply(action)]))
  }

  functions(): CallbackFunctions {
    const callback = (action: WebhookName) => async (given: object, call: CallbackCall) => {
      const fields: Record<string, unknown> = { ...given }
      this.heard({ action, fields, cookies: { ...call.cookies }, address: call.address, id: call.id })
      const [success, details] = await this.#decide(action, fields)
      return success ? details : refuse(undefined, { ...details })
    }
    return Object.fromEntries(webhookNames.map((action) => [action, callback(action)])) as unknown as CallbackFunctions
  }

  async #decide(action: WebhookName, fields: Record<string, unknown>): Promise<Decision> {
    const decision = this.decisions.get(action)
    if (typeof decision === 'function') return decision(fields)
    if (decision) return decision
    if (action !== 'connect') return [true, {}]
    return [true, { name: (fields.payload as { name?: string } | null)?.name }]
  }
}
