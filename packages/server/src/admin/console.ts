import type { IncomingMessage, ServerResponse } from 'node:http'
import { HookboxError, isObject, type Json, maxJsonDepth, quote } from '@hookbox/protocol'
import type { Clock } from '../clock.ts'
import { deeperThan } from '../depth.ts'
import { readBody } from '../http/body.ts'
import { answerJson, type Handler, type Route } from '../http/router.ts'
import type { Hub } from '../hub/hub.ts'
import type { Log } from '../log.ts'
import { isSecure, protect, refuseOrigin, SessionCookie } from './door.ts'
import { Entrance, TooManyTries } from './entrance.ts'
import { PageFeed } from './feed.ts'
import { Lists } from './lists.ts'
import { type ConsoleVerbs, consoleVerbs, type NodeSideParts } from './node-side.ts'
import { Observer } from './observer.ts'
import { Sessions } from './sessions.ts'
import { Tries } from './tries.ts'
import { readView } from './view.ts'

export interface ConsoleParts extends Pick<NodeSideParts, 'figures' | 'webhookFeed' | 'line'> {
  readonly hub: Hub
  readonly clock: Clock
  readonly log: Log & { readonly lines: NodeSideParts['log'] }
  readonly version: string
  readonly basePath: string
  /** As it is at present; without one the console is off. */
  readonly password: () => string | undefined
  /** Calls a method of REST, as the application does. */
  readonly call: (method: string, fields: { readonly [field: string]: Json }) => Promise<unknown>
  /** Where a request comes from, as far as it can be believed, and what the browser asked for. */
  readonly forwarded: (request: IncomingMessage) => { readonly address: string; readonly host: string | undefined }
  /** Serves the files of the page, by their paths. */
  readonly files: Handler
}

/** The console: what the hub does, for whoever has the password, and the same verbs that the application has. */
export interface Console {
  readonly routes: readonly Route[]
  readonly verbs: ConsoleVerbs
  /** Ends all feeds. */
  stop(): void
}

/** Pages that look at a time; beyond it `too_many`. */
const maxFeeds = 32

/** What an operator may do. Where webhooks go, and the secrets, stay what the configuration says. */
const actions: ReadonlySet<string> = new Set([
  'publish',
  'subscribe',
  'unsubscribe',
  'message',
  'create_channel',
  'destroy_channel',
  'set_channel_options',
  'state_set_key',
  'state_delete_key',
  'set_user_options',
  'disconnect_user',
  'disconnect',
])

export function createConsole(parts: ConsoleParts): Console {
  const { hub, clock, log, version, basePath, password, call, forwarded, files } = parts
  const { nodes, application } = hub
  const sessions = new Sessions(clock)
  const tries = new Tries(clock)
  const cookie = new SessionCookie(basePath)
  const entrance = new Entrance({ nodes, sessions, tries, log, password: needPassword })
  const failed = (err: unknown) => log.warn({ err }, 'the console could not look at something')
  const observer = new Observer({ nodes, application, clock, failed })
  const lists = new Lists(application, clock)
  const feeds = new Set<PageFeed>()
  let isStopping = false

  function needPassword(): string {
    const current = password()
    if (current === undefined) {
      throw new HookboxError('disabled', 'the console is off, as it has no password; set one by --admin-password')
    }
    return current
  }

  function checkOrigin(request: IncomingMessage): void {
    const refused = refuseOrigin(request, forwarded(request).host)
    if (refused !== undefined) throw new HookboxError('refused', refused)
  }

  function find(request: IncomingMessage, does: 'ask' | 'act'): Promise<string | undefined> {
    return entrance.find(cookie.read(request, forwarded(request).host), does)
  }

  async function needSession(request: IncomingMessage, does: 'ask' | 'act'): Promise<string> {
    const secret = await find(request, does)
    if (secret === undefined) throw new HookboxError('unauthorized', 'sign in first')
    return secret
  }

  function setCookie(request: IncomingMessage, response: ServerResponse, secret: string): void {
    response.setHeader('set-cookie', cookie.line(secret, forwarded(request).host, isSecure(request)))
  }

  const requests: { readonly [name: string]: Handler } = {
    'GET session': async (request, response) => {
      const signedIn = (await find(request, 'ask')) !== undefined
      answerJson(response, 200, signedIn ? { signedIn, version } : { signedIn })
    },

    'POST session': async (request, response) => {
      const { password: given } = await readFields(request)
      if (typeof given !== 'string' || given === '') {
        throw new HookboxError('bad_request', `password: expected a text`)
      }
      const secret = await entrance.signIn(forwarded(request).address, given).catch((error: unknown) => {
        if (error instanceof TooManyTries) response.setHeader('retry-after', error.wait)
        throw error
      })
      setCookie(request, response, secret)
      answerJson(response, 200, { signedIn: true, version })
    },

    'DELETE session': async (request, response) => {
      const secret = await find(request, 'ask')
      if (secret !== undefined) await entrance.signOut(secret)
      setCookie(request, response, '')
      answerJson(response, 200, { signedIn: false })
    },

    /** Somebody is there. */
    'POST presence': async (request, response) => {
      await needSession(request, 'act')
      answerJson(response, 200, {})
    },

    'POST feed': async (request, response) => {
      const secret = await needSession(request, 'ask')
      const view = readView(await readFields(request))
      if (isStopping) throw new HookboxError('unavailable', 'the hub is stopping')
      if (feeds.size >= maxFeeds) {
        throw new HookboxError('too_many', `expected at most ${maxFeeds} pages of the console at a time`)
      }
      if (response.destroyed) return
      const goesOn = async () => password() !== undefined && (await entrance.find([secret], 'ask')) !== undefined
      const feed = new PageFeed(view, response, {
        ...{ application, nodes, observer, lists, clock, goesOn },
        failed,
      })
      feeds.add(feed)
      response.on('close', () => {
        feeds.delete(feed)
        if (feeds.size === 0) lists.forget()
      })
    },
  }

  async function act(request: IncomingMessage, response: ServerResponse, method: string): Promise<void> {
    await needSession(request, 'act')
    if (!actions.has(method)) throw new HookboxError('unknown_method', `unknown method ${quote(method)}`)
    const fields = await readFields(request)
    const result = await call(method, fields)
    const { channel_name: channel, user_name: user = fields.name, identifier: connection } = fields
    log.info({ method, channel, user, connection, address: forwarded(request).address }, 'done at the console')
    answerJson(response, 200, result)
  }

  async function handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    protect(response)
    needPassword()
    const { method = '' } = request
    const isSafe = method === 'GET' || method === 'HEAD'
    if (!isSafe) checkOrigin(request)
    const [, action] = /^call\/(\w+)$/.exec(path) ?? []
    if (action !== undefined && method === 'POST') return act(request, response, action)
    const known = requests[`${method} ${path}`]
    if (known) return known(request, response, path)
    if (isSafe) return files(request, response, path === '' ? 'index.html' : path)
    throw new HookboxError('unknown_method', `nothing is served here by ${quote(method)}`)
  }

  return {
    routes: [
      // Relative, so that it holds behind a proxy that has a path of its own for the hub.
      { path: '/admin', methods: ['GET'], handle: (_request, response) => redirect(response, 'admin/') },
      { path: '/admin/', handle },
    ],

    verbs: consoleVerbs({ ...parts, log: log.lines, sessions, tries }),

    stop() {
      isStopping = true
      for (const feed of [...feeds]) feed.end()
    },
  }
}

/** @throws HookboxError `too_large`, or `bad_request` that says what was expected */
async function readFields(request: IncomingMessage): Promise<{ readonly [field: string]: Json }> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw new HookboxError('bad_request', `content-type: expected application/json, got ${quote(type)}`)
  }
  let fields: unknown
  try {
    fields = JSON.parse(await readBody(request))
  } catch (error) {
    if (error instanceof HookboxError) throw error
    // Not quoted, as the password may stand in it.
    throw new HookboxError('bad_request', 'body: expected a JSON object, got something that is no JSON')
  }
  if (!isObject(fields)) throw new HookboxError('bad_request', 'body: expected a JSON object, got another value')
  for (const [field, value] of Object.entries(fields)) {
    if (!deeperThan(value, maxJsonDepth)) continue
    throw new HookboxError('bad_request', `${field}: expected JSON nested at most ${maxJsonDepth} deep`)
  }
  return fields as { readonly [field: string]: Json }
}

function redirect(response: ServerResponse, location: string): void {
  protect(response)
  response.writeHead(308, { location, 'content-length': 0 }).end()
}
