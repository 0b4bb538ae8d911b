import { PassThrough } from 'node:stream'
import {
  openWirePage,
  startWebApplication,
  type WebApplication,
  type WebhookReplies,
  type WirePage,
  type WirePageOptions,
} from '@hookbox/testkit'
import { loadOptions } from '../../src/config/load.ts'
import type { HookboxOptions } from '../../src/config/options.ts'
import { type Hookbox, hookboxFrom } from '../../src/hookbox.ts'
import { createLog } from '../../src/log.ts'

/** The REST secret of every hub that a test runs. */
export const restSecret = 'the secret of the REST interface'

export type RestReply = { readonly status: number; readonly ok: boolean; readonly details: Record<string, unknown> }

/** A whole hub on a port of its own, and the web application that it asks by HTTP. */
export class RunningHub implements AsyncDisposable {
  readonly app: WebApplication
  readonly #make: () => Hookbox
  readonly #lines: string[]
  #hookbox: Hookbox
  #url = ''

  private constructor(app: WebApplication, make: () => Hookbox, lines: string[]) {
    this.app = app
    this.#make = make
    this.#hookbox = make()
    this.#lines = lines
  }

  get hookbox(): Hookbox {
    return this.#hookbox
  }

  get url(): string {
    return this.#url
  }

  /** The application answers `connect` with the name in the payload, and everything else with `[true, {}]`, unless told otherwise. */
  static async start(
    replies: Readonly<Record<string, WebhookReplies>> = {},
    options: HookboxOptions = {},
  ): Promise<RunningHub> {
    const app = await startWebApplication({
      connect: (fields) => [true, { name: (JSON.parse(fields.payload ?? 'null') as { name?: string } | null)?.name }],
      ...replies,
    })
    const { config } = loadOptions({
      port: 0,
      interface: '127.0.0.1',
      cbhost: '127.0.0.1',
      cbport: app.port,
      apiSecurityToken: restSecret,
      linger: 0,
      rate: 0,
      logLevel: 'debug',
      ...options,
    })
    const lines: string[] = []
    const stdout = new PassThrough()
    stdout.on('data', (chunk: Buffer) => lines.push(chunk.toString()))
    const hub = new RunningHub(app, () => hookboxFrom(config, createLog(config.log, { stdout })), lines)
    await hub.#listen()
    return hub
  }

  /** Stops the hub and starts another one with the same options, on a port of its own. */
  async restart(): Promise<void> {
    await this.#hookbox.close()
    this.#hookbox = this.#make()
    await this.#listen()
  }

  async #listen(): Promise<void> {
    this.#url = (await this.#hookbox.listen()).url
  }

  /** The log so far, as text. */
  get log(): string {
    return this.#lines.join('')
  }

  get wsUrl(): string {
    return `${this.url.replace('http', 'ws')}/ws`
  }

  /** A page that has connected under this name. */
  async page(name: string, options: WirePageOptions = {}): Promise<WirePage> {
    const page = await this.stranger(options)
    await page.connect({ payload: { name } })
    return page
  }

  /** A page that has not said anything yet. */
  stranger(options: WirePageOptions = {}): Promise<WirePage> {
    return openWirePage(this.wsUrl, options)
  }

  /** Calls a REST method with a form. */
  async rest(method: string, form: Record<string, string> = {}, base = '/rest/'): Promise<RestReply> {
    const response = await fetch(`${this.url}${base}${method}`, {
      method: 'POST',
      body: new URLSearchParams({ security_token: restSecret, ...form }),
    })
    const [ok, details] = (await response.json()) as [boolean, Record<string, unknown>]
    return { status: response.status, ok, details }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hookbox.close()
    await this.app[Symbol.asyncDispose]()
  }
}
