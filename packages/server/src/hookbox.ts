import type { IncomingMessage, Server } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import { fileURLToPath } from 'node:url'
import { closeCodes, HookboxError, type Json, quote } from '@hookbox/protocol'
import { type Console, createConsole } from './admin/console.ts'
import { figuresOf } from './admin/figures.ts'
import { LoopDelayMeter } from './admin/loop-delay.ts'
import type { Broker } from './broker/broker.ts'
import { createMemoryBroker, type MemoryBroker } from './broker/memory/memory-broker.ts'
import { createRedisBroker, type RedisBroker } from './broker/redis/redis-broker.ts'
import { systemClock } from './clock.ts'
import { changeConfig } from './config/change.ts'
import type { Config, RedisConfig } from './config/config.ts'
import { loadOptions } from './config/load.ts'
import { ConfigError, type HookboxOptions } from './config/options.ts'
import { version } from './config/version.ts'
import { Connection } from './connection/connection.ts'
import { OpenLine } from './connection/open-line.ts'
import { createWebhookFeed } from './doctor/webhook-feed.ts'
import { Feed } from './feed.ts'
import { readBody } from './http/body.ts'
import { health } from './http/health.ts'
import { serveMetrics } from './http/metrics.ts'
import type { NodeView } from './http/metrics-table.ts'
import { serveReady } from './http/ready.ts'
import { createRouter, type Route, type Router } from './http/router.ts'
import { attach, closeServer, createServer, type Detach, listen } from './http/server.ts'
import { serveFolder, serveScript } from './http/static.ts'
import { Hub } from './hub/hub.ts'
import { checkUserOptions, readUserOptions, type UserOptions } from './hub/user-options.ts'
import { localUrl } from './local-url.ts'
import { createAccessLog, createLog, type KeptLog, type Log } from './log.ts'
import { createFetch } from './polling/fetch.ts'
import { startPoller } from './polling/poller.ts'
import { withSecret } from './rest/authorise.ts'
import { channelMethods } from './rest/channel-methods.ts'
import { createRestEndpoint } from './rest/endpoint.ts'
import { serverMethods } from './rest/server-methods.ts'
import { userMethods } from './rest/user-methods.ts'
import type { Siblings } from './siblings.ts'
import { Signals } from './signals/signals.ts'
import { takeSnapshot, writeSnapshot } from './snapshot/snapshot-file.ts'
import { createForwarded } from './transport/address.ts'
import { createDoorkeeper } from './transport/origin.ts'
import type { SendHead } from './transport/stream-head.ts'
import { createStreams } from './transport/streams.ts'
import { type Accept, transportKinds } from './transport/transport.ts'
import { createAcceptUpgrade } from './transport/websocket.ts'
import type { Ask } from './webhooks/callbacks.ts'
import { webhookFields } from './webhooks/fields.ts'
import type { CallbackFunctions } from './webhooks/functions.ts'
import { createHttpAsk, webhookUrl } from './webhooks/http.ts'
import { createInProcessAsk } from './webhooks/in-process.ts'
import { openMode } from './webhooks/open-mode.ts'
import { type SawCall, type SeenCall, weigh } from './webhooks/seen-call.ts'
import { createCallbacks } from './webhooks/verdict.ts'

/** What can be set for a hub inside a Node server: everything that the command has, and the webhooks as functions. */
export interface CreateOptions extends HookboxOptions {
  /** Functions instead of HTTP requests; they get the same fields and cookies and return the same details. */
  callbacks?: CallbackFunctions
}

/** Where a hub listens. */
export interface Listening {
  /** For browsers. */
  readonly url: string
  /** For the web application, where it has a port of its own. */
  readonly restUrl?: string
  /** The console, where it has a password. */
  readonly adminUrl?: string
}

/** A hub: browsers connect to it, and it asks the web application. */
export interface Hookbox {
  /**
   * Listens by itself, on `port` and `interface`.
   *
   * @throws HookboxError `unavailable` with a sentence, when the port is taken or not allowed, or Redis cannot be reached
   */
  listen(): Promise<Listening>
  /** Serves below `basePath` (default `/hookbox`) of somebody's own server, and takes nothing else there. */
  attach(server: Server | HttpsServer): void
  /**
   * Calls a REST method without HTTP, with its fields as in a JSON body.
   *
   * @throws HookboxError as the REST interface answers
   * @example
   * await hookbox.call('publish', { channel_name: 'news', payload: { title: 'Hello' } })
   */
  call(method: string, fields?: { readonly [field: string]: Json }): Promise<{ readonly [name: string]: unknown }>
  /**
   * Closes all lines with 4503, so that pages come back to the next hub, stops listening, and writes the snapshot, if there
   * is to be one.
   *
   * @throws HookboxError `unavailable` when the snapshot cannot be written
   */
  close(): Promise<void>
}

/**
 * Makes a hub for use inside a Node server.
 *
 * @throws ConfigError naming the option that is unknown or wrong
 * @example
 * const hookbox = createHookbox({
 *   callbacks: {
 *     connect: (_fields, { cookies }) => ({ name: userOf(cookies.session) }),
 *     create_channel: () => ({ history_size: 20, presenceful: true }),
 *   },
 * })
 * hookbox.attach(httpServer)
 */
export function createHookbox(options: CreateOptions = {}): Hookbox {
  const { callbacks, ...settings } = options
  const { config, warnings } = loadOptions(settings, { callbacks: callbacks !== undefined, basePath: '/hookbox' })
  const log = createLog(config.log)
  for (const warning of warnings) log.warn(warning)
  return hookboxFrom(config, log, callbacks)
}

/** Puts a hub together: the one place that knows all its parts. */
export function hookboxFrom(config: Config, log: KeptLog, functions?: CallbackFunctions, siblings?: Siblings): Hookbox {
  const clock = systemClock
  const userDefaults = readUserDefaults(config)
  /** As `set_config` has left it. What is read from here is read anew each time. */
  let live = config
  const signals = new Signals(Object.keys(webhookFields))
  const calls = new Feed<SeenCall>(keptCalls)
  const saw: SawCall = (call) => calls.add(call, weigh(call))
  const http = functions || config.open ? undefined : httpCallbacks(() => live, log, saw)
  const ask =
    http?.ask ??
    createInProcessAsk({
      functions: functions ?? openMode,
      cookieIdentifier: config.cookieIdentifier,
      timeout: config.webhooks.timeout,
      clock,
      saw,
    })
  const polls = createFetch({ clock, version })
  const { broker, memory, redis } = brokerFor(config, log)
  const hub = new Hub({
    broker,
    verbs: {
      post: async ({ head, message }) => {
        streams.take(head as unknown as SendHead, message)
        return null
      },
      read: ({ session, ack }) => streams.relay(session, ack),
      configure: async ({ changes }) => {
        configure(changes)
        return null
      },
      configuration: async () => configured,
      figures: (args) => operators.verbs.figures(args),
      webhookCalls: (args) => operators.verbs.webhookCalls(args),
      logLines: (args) => operators.verbs.logLines(args),
      lines: (args) => operators.verbs.lines(args),
      operator: (args) => operators.verbs.operator(args),
      tryPassword: (args) => operators.verbs.tryPassword(args),
      knewPassword: (args) => operators.verbs.knewPassword(args),
    },
    callbacks: createCallbacks(ask, log, { signals }),
    clock,
    log,
    signals,
    takeOver: (taker, record) => Connection.takeOver(taker, record, settings),
    poll: (options, target) =>
      startPoller({
        ...target,
        options,
        fetch: polls.fetch,
        clock,
        log,
        get callbacksOrigin() {
          return http && webhookUrl(live.webhooks, 'connect').origin
        },
        get secret() {
          return live.webhookSecret
        },
      }),
  })

  /** What `set_config` has changed so far, on whichever node it was called. */
  let configured: { [key: string]: Json } = {}

  function configure(changes: { readonly [key: string]: Json }): void {
    live = checkedChange(live, changes)
    configured = { ...configured, ...changes }
    log.warn({ keys: Object.keys(changes) }, 'the configuration was changed by set_config')
  }

  async function setConfig(changes: { readonly [key: string]: unknown }): Promise<void> {
    checkedChange(live, changes)
    await hub.nodes.askAll(await hub.nodes.names(), 'configure', { changes: changes as { [key: string]: Json } })
  }

  /** What was changed before this node came. Nodes that do not answer are gone, which nobody has noticed yet, or begin as well. */
  async function adoptConfiguration(): Promise<void> {
    const others = (await hub.nodes.names()).filter((node) => node !== hub.id)
    const asked = others.map((node) => hub.nodes.ask(node, 'configuration', {}))
    const changes = await Promise.any(asked).catch(() => ({}))
    if (Object.keys(changes).length > 0) configure(changes)
  }

  const lines = new Set<OpenLine>()
  const settings = { linger: config.linger, rate: config.rate, userDefaults, random: Math.random }
  const accept: Accept = (transport, arrival) => {
    const connection = new Connection(hub, transport, arrival, settings)
    signals.opened.add(transport.kind)
    return new OpenLine(connection, transport, lines)
  }

  const methods = {
    ...channelMethods(hub.application, config.ignorePublishNonExistingChannels),
    ...userMethods(hub.application),
    ...serverMethods(hub, version, config.allowSetConfig ? setConfig : undefined),
  }
  const call: Hookbox['call'] = async (name, fields = {}) => {
    const method = Object.hasOwn(methods, name) ? methods[name as keyof typeof methods] : undefined
    if (!method) throw new HookboxError('unknown_method', `unknown method ${quote(name)}`)
    return method.run(new Map(Object.entries(fields).map(([field, value]) => [field, { value }])))
  }
  const secrets = () => (live.apiSecurityToken === undefined ? [] : [live.apiSecurityToken])
  const rest = createRestEndpoint({ methods, secrets, log, signals, alwaysOk: false })
  const web = createRestEndpoint({ methods, secrets, log, signals, alwaysOk: true })
  const restRoutes: Route[] = [
    { path: '/rest/', handle: rest },
    { path: '/web/', handle: web },
  ]
  const ownRestPort = config.webApiPort !== undefined || config.webApiInterface !== undefined

  const forwarded = createForwarded(config.trustProxy)
  const doorkeeper = createDoorkeeper(config)
  const access = createAccessLog(config.log.accessFile, siblings && { worker: siblings.worker })
  const common = {
    addressOf: (request: IncomingMessage) => forwarded(request).address,
    idOf: (request: IncomingMessage) => forwarded(request).requestId,
    log,
    access,
  }
  const streams = createStreams({
    ...{ doorkeeper, forwarded, accept, clock, signals, readBody },
    node: () => hub.id,
    elsewhere: {
      async post(node, head, message) {
        await checkAlive(node)
        await hub.nodes.ask(node, 'post', { head: head as unknown as Json, message })
      },
      async read(node, head) {
        await checkAlive(node)
        return hub.nodes.ask(node, 'read', head)
      },
    },
  })

  /** A page whose node is gone connects anew. */
  async function checkAlive(node: string): Promise<void> {
    if (!(await hub.nodes.names()).includes(node)) throw new HookboxError('closed', 'unknown session: connect anew')
  }
  const metrics = serveMetrics({ signals, view }, siblings)
  const ready = serveReady({
    phase,
    brokerUp: () => redis?.trouble === undefined,
    roundTrip: () => hub.nodes.ask(hub.id, 'configuration', {}),
    clock,
  })
  const loop = new LoopDelayMeter(clock)
  const ownAdminPort = config.adminPort !== undefined
  const operators: Console = createConsole({
    ...{ hub, clock, log, version, call, forwarded },
    webhookFeed: createWebhookFeed(calls, () => live),
    basePath: ownAdminPort ? '' : config.basePath,
    password: () => live.adminPassword,
    figures: () =>
      figuresOf({
        ...{ signals, version, now: clock.now },
        connections: () => lines.size,
        givenUp: () => hub.givenUp,
        loop: () => loop.read(),
      }),
    line: (id) => {
      const transport = [...lines].find(({ connection }) => connection.id === id)?.transport
      return transport && { transport: transport.kind, buffered: transport.buffered }
    },
    files: serveFolder(consoleFiles, 'the page of the console is not built; run `pnpm build` first'),
  })
  const consoleOnly = createRouter({
    ...common,
    basePath: '',
    routes: operators.routes,
    refuse: doorkeeper.refuseHost,
  })
  const pages = createRouter({
    ...common,
    basePath: config.basePath,
    routes: [
      { path: '/health', methods: ['GET'], handle: health(version, clock) },
      { path: '/ready', methods: ['GET'], handle: ready },
      { path: '/metrics', methods: ['GET'], handle: withSecret(metrics, secrets) },
      { path: '/stream', methods: ['POST'], handle: streams.read },
      { path: '/stream/send', methods: ['POST'], handle: streams.send },
      { path: '/static/hookbox.js', methods: ['GET'], handle: serveScript() },
      ...(ownRestPort ? [] : restRoutes),
      ...(ownAdminPort ? [] : operators.routes),
    ],
    upgrades: {
      '/ws': createAcceptUpgrade({
        doorkeeper,
        forwarded,
        accept,
        clock,
        access,
        signals,
        compression: config.compression,
      }),
    },
    refuse: doorkeeper.refuseHost,
  })
  const applications = createRouter({
    ...common,
    basePath: '',
    // Whoever is let near this port may see how the hub is.
    routes: [{ path: '/metrics', methods: ['GET'], handle: metrics }, ...restRoutes, { path: '/', handle: rest }],
  })

  let isStarted = false
  let isServing = false

  function phase(): 'starting' | 'stopping' | undefined {
    if (closing) return 'stopping'
    return isServing ? undefined : 'starting'
  }

  function view(): NodeView {
    const transports = Object.fromEntries(transportKinds.map((kind) => [kind, { lines: 0, unsent: 0 }]))
    for (const { transport } of lines) {
      const of = transports[transport.kind]
      if (!of) continue
      of.lines++
      of.unsent += transport.buffered
    }
    return {
      ...{ ...hub.census(), transports, version },
      webhooksGivenUp: hub.givenUp,
      brokerUp: redis?.trouble === undefined,
      ready: phase() === undefined,
    }
  }

  /**
   * Goes on where the hub before this one was stopped; else the application hears of a new hub, where there is one.
   *
   * Nothing here waits for input or output, so that it is done before any page or application is heard.
   */
  async function start(): Promise<void> {
    if (isStarted) return
    isStarted = true
    const pieces = memory && config.snapshot !== undefined ? takeSnapshot(config.snapshot, log) : undefined
    for (const piece of pieces ?? []) memory?.restore(piece)
    await hub.start(!config.open)
    await adoptConfiguration()
    isServing = true
    if (pieces) log.info({ pieces: pieces.length }, 'went on where the hub before this one was stopped')
  }

  /** Somebody else's server goes on without Redis: then it is tried again. */
  async function startBehind(): Promise<void> {
    while (!closing) {
      try {
        if (redis) await redis.ready()
        return await start()
      } catch (error) {
        isStarted = false
        if (closing) return
        log.error({ err: unreachable(error) }, 'the hub could not start, and tries again')
        await new Promise<void>((resolve) => clock.after(startPause, resolve))
      }
    }
  }

  const servers: Server[] = []
  const detach: Detach[] = []

  async function serve(router: Router, port: number, host: string): Promise<string> {
    const server = createServer(router)
    servers.push(server)
    const address = await listen(server, port, host)
    return localUrl(host, address.port)
  }

  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    for (const stop of detach) stop()
    const closed = servers.map((server) => closeServer(server, clock))
    await drain()
    hub.stop()
    for (const { connection } of lines) connection.close(closeCodes.stopping, stopping)
    streams.stop()
    operators.stop()
    loop.stop()
    await Promise.all([...closed, http?.close(), polls.close()])
    // What was being answered is answered: from here on nothing changes any more, and others take over what is left.
    await broker.close()
    access?.close()
    if (memory && config.snapshot !== undefined && isStarted) writeSnapshot(config.snapshot, memory.save())
  }

  /** Pages go to the other nodes one after another, so that those are not overrun; meanwhile everything goes on. */
  async function drain(): Promise<void> {
    const others = isStarted ? await hub.nodes.names().catch(() => []) : []
    if (others.length < 2) return
    const leaving = [...lines].map(
      ({ connection }) =>
        new Promise<void>((left) => {
          clock.after(Math.random() * config.drain, () => {
            connection.close(closeCodes.stopping, stopping)
            left()
          })
        }),
    )
    await Promise.all(leaving)
  }

  return {
    async listen() {
      // Whoever sends pages here, or asks whether they may be sent, is answered when they can be served.
      await redis?.ready().catch((error: unknown) => {
        throw unreachable(error)
      })
      const url = `${await serve(pages, config.port, config.interface)}${config.basePath}`
      const { webApiPort = config.port, webApiInterface = config.interface } = config
      const restUrl = ownRestPort ? await serve(applications, webApiPort, webApiInterface) : undefined
      const { adminPort, adminInterface } = config
      const adminBase = adminPort === undefined ? url : await serve(consoleOnly, adminPort, adminInterface)
      const adminUrl = live.adminPassword === undefined ? undefined : `${adminBase}/admin/`
      // Not before: what is taken up is gone where a port turns out to be taken.
      await start()
      return { url, ...(restUrl !== undefined && { restUrl }), ...(adminUrl !== undefined && { adminUrl }) }
    },

    attach(server) {
      void startBehind()
      detach.push(attach(server, pages))
    },

    call,

    // Once: a second snapshot could be taken up after the first one was.
    close: () => (closing ??= close()),
  }
}

/** Calls of webhooks, for whoever has to find out what is wrong with an application. */
const keptCalls = { items: 100, bytes: 4_194_304 }

/** Where the build puts the page of the console; the sources and what is built of them lie equally deep. */
const consoleFiles = fileURLToPath(new URL('../dist/admin', import.meta.url))

/** Milliseconds until a hub that could not start tries again. */
const startPause = 1_000

/** What a page reads whose line is closed so. */
const stopping = 'the hub is stopping'

/** @throws ConfigError naming what is wrong with a URL */
function brokerFor(config: Config, log: Log): { broker: Broker; memory?: MemoryBroker; redis?: RedisBroker } {
  if (config.redis) {
    const redis = redisBroker(config.redis, log)
    return { broker: redis, redis }
  }
  const memory = createMemoryBroker(systemClock, config.recoveryMemory)
  return { broker: memory, memory }
}

function redisBroker({ urls, prefix, wait }: RedisConfig, log: Log): RedisBroker {
  try {
    return createRedisBroker({ urls, prefix, wait, clock: systemClock, log })
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** One sentence, also where trying again does not help. */
function unreachable(error: unknown): HookboxError {
  if (error instanceof HookboxError) return error
  return new HookboxError('unavailable', error instanceof Error ? error.message : String(error), { cause: error })
}

/** @throws HookboxError `bad_request` naming the key */
function checkedChange(config: Config, changes: { readonly [key: string]: unknown }): Config {
  try {
    return changeConfig(config, changes)
  } catch (error) {
    throw error instanceof ConfigError ? new HookboxError('bad_request', error.message, { cause: error }) : error
  }
}

/** What every user begins with. @throws ConfigError naming the option */
function readUserDefaults({ userDefaults }: Config): UserOptions {
  try {
    return readUserOptions(checkUserOptions(userDefaults, 'none other'))
  } catch (cause) {
    throw new ConfigError(`user_defaults.${cause instanceof HookboxError ? cause.message : String(cause)}`)
  }
}

function httpCallbacks(live: () => Config, log: Log, saw: SawCall): { ask: Ask; close(): Promise<void> } {
  return createHttpAsk({
    get config() {
      return live().webhooks
    },
    get secret() {
      return live().webhookSecret
    },
    signingSecrets: live().signingSecrets,
    cookieIdentifier: live().cookieIdentifier,
    get hidden() {
      const { webhookSecret, signingSecrets, apiSecurityToken, adminPassword } = live()
      return [webhookSecret, ...signingSecrets, apiSecurityToken, adminPassword]
    },
    version,
    log,
    clock: systemClock,
    saw,
  })
}
