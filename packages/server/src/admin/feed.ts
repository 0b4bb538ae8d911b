import type { ServerResponse } from 'node:http'
import { HookboxError } from '@hookbox/protocol'
import type { Cancel, Clock } from '../clock.ts'
import type { ApplicationVerbs, UserDetails } from '../hub/application-verbs.ts'
import type { OtherNodes } from '../hub/other-nodes.ts'
import type { Lists } from './lists.ts'
import type { LineOf } from './node-side.ts'
import type { Observer } from './observer.ts'
import { showChannel, showFrame } from './shown.ts'
import type { CallShown, LineShown, Told, UserShown, View } from './told.ts'

export interface FeedParts {
  readonly application: ApplicationVerbs
  readonly nodes: Pick<OtherNodes, 'ask' | 'names'>
  readonly observer: Observer
  readonly lists: Lists
  readonly clock: Clock
  /** Whether the session goes on under which the page looks. */
  goesOn(): Promise<boolean>
  /** Something could not be told. */
  failed(error: unknown): void
}

/** Milliseconds between two looks at what may have changed. */
const slow = 2_000
const quick = 1_000

/** Milliseconds for which entries of a channel are gathered, so that a busy one does not drown the page. */
const gathering = 200

/** Entries that are told at a time, and their characters together; of what there is beyond it only the number is told. */
const mostEntries = { count: 100, length: 262_144 }

/** Bytes that a page may leave unread; beyond it the feed ends, and the page opens another one. */
const maxUnread = 1_048_576

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

/** Tells one page what it looks at, until one of them goes: figures always, and the view that is open. */
export class PageFeed {
  readonly #view: View
  readonly #response: ServerResponse
  readonly #parts: FeedParts
  /** What was told last, by what it is of: the same is not told again. */
  readonly #told = new Map<Told['of'], string>()
  readonly #pauses = new Set<() => void>()
  readonly #stops: (() => void)[] = []
  #ended = false

  constructor(view: View, response: ServerResponse, parts: FeedParts) {
    this.#view = view
    this.#response = response
    this.#parts = parts
    response.on('close', () => this.end())
    response.writeHead(200, headers)
    response.flushHeaders()
    this.#stops.push(parts.observer.listen((figures) => this.#tell({ of: 'figures', figures })))
    this.#repeat(slow, () => this.#checkSession())
    this.#begin()
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    for (const stop of this.#stops) stop()
    for (const resume of [...this.#pauses]) resume()
    this.#response.end()
  }

  #begin(): void {
    const view = this.#view
    const { lists } = this.#parts
    switch (view.name) {
      case 'overview':
        return
      case 'channels':
        return this.#repeat(slow, async () => this.#tellNews({ of: 'channels', page: await lists.channels(view) }))
      case 'users':
        return this.#repeat(slow, async () => this.#tellNews({ of: 'users', page: await lists.users(view) }))
      case 'user':
        return this.#repeat(slow, () => this.#tellUser(view.user))
      case 'channel':
        return this.#repeat(slow, () => this.#followChannel(view.channel))
      case 'webhooks':
        return this.#followNodes('webhookCalls', (calls) => ({ of: 'webhooks', calls: calls as CallShown[] }))
      case 'log':
        return this.#followNodes('logLines', (lines) => ({ of: 'log', lines: lines as LineShown[] }))
    }
  }

  async #checkSession(): Promise<void> {
    if (await this.#parts.goesOn()) return
    this.#tell({ of: 'signed out' })
    this.end()
  }

  async #tellUser(name: string): Promise<void> {
    const { application } = this.#parts
    const user = await application.userDetails(name).catch(ifMissing)
    if (user) this.#tellNews({ of: 'user', user: await this.#withLines(user) })
    else this.#tellNews({ of: 'gone' })
  }

  /** How a connection's line is, its node alone knows. */
  async #withLines({ connections, ...user }: UserDetails): Promise<UserShown> {
    const ids = new Map<string, string[]>()
    for (const { id, node, live } of connections) if (live) ids.set(node, [...(ids.get(node) ?? []), id])
    const asked = [...ids].map(([node, own]) => this.#parts.nodes.ask(node, 'lines', { connections: own }))
    const answers = (await Promise.allSettled(asked)).map((one) => (one.status === 'fulfilled' ? one.value : {}))
    const lines = Object.assign({}, ...answers) as { readonly [id: string]: LineOf | undefined }
    return {
      ...user,
      connections: connections.map((one) => ({
        ...one,
        transport: lines[one.id]?.transport,
        buffered: lines[one.id]?.buffered,
      })),
    }
  }

  /** Until the channel ends: then it is looked for again, as another one of its name may come. */
  async #followChannel(name: string): Promise<void> {
    const { application } = this.#parts
    const follower = new ChannelFollower(this.#parts.clock, {
      tell: (frames, skipped) => this.#tell({ of: 'entries', entries: frames.map(showFrame), skipped }),
      look: async () => {
        const info = await application.channelInfo(name).catch(ifMissing)
        this.#tellNews(info ? { of: 'channel', channel: showChannel(info) } : { of: 'gone' })
      },
      failed: this.#parts.failed,
    })
    const stop = await application.watchChannel(name, follower).catch(ifMissing)
    if (!stop) return this.#tellNews({ of: 'gone' })
    const end = () => {
      stop()
      follower.ended()
    }
    // The feed may have ended while the channel was opened.
    if (this.#ended) return end()
    this.#stops.push(end)
    follower.changed()
    await follower.over
    this.#stops.splice(this.#stops.indexOf(end), 1)
  }

  /** What nodes have seen, each told once: first what is kept of it, then what is new. */
  #followNodes(verb: 'webhookCalls' | 'logLines', tell: (items: readonly object[]) => Told): void {
    const last = new Map<string, number>()
    this.#repeat(quick, async () => {
      const { nodes } = this.#parts
      const names = await nodes.names()
      const answers = await Promise.allSettled(
        names.map((node) => nodes.ask(node, verb, { after: last.get(node) ?? 0 })),
      )
      const items = answers.flatMap((answer, index) => {
        const node = names[index] ?? ''
        const found = answer.status === 'fulfilled' ? (answer.value as unknown as { readonly number: number }[]) : []
        last.set(node, found.at(-1)?.number ?? last.get(node) ?? 0)
        return found.map((one) => ({ ...one, node }))
      })
      // The first time also where there is nothing, so that the page knows.
      if (items.length > 0 || !this.#told.has(tell([]).of)) this.#tellNews(tell(items))
    })
  }

  /** Again and again, with a pause after each time, until the feed ends. */
  #repeat(pause: number, task: () => Promise<void>): void {
    const run = async () => {
      while (!this.#ended) {
        await task().catch((error: unknown) => {
          if (!this.#ended) this.#parts.failed(error)
        })
        if (!this.#ended) await this.#pause(pause)
      }
    }
    void run()
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const resume = () => {
        cancel()
        this.#pauses.delete(resume)
        resolve()
      }
      const cancel = this.#parts.clock.after(milliseconds, resume)
      this.#pauses.add(resume)
    })
  }

  /** Not the same twice. */
  #tellNews(told: Told): void {
    const text = JSON.stringify(told)
    if (this.#told.get(told.of) === text) return
    // What is gone may come back as it was.
    if (told.of === 'gone') this.#told.clear()
    else this.#told.delete('gone')
    this.#told.set(told.of, text)
    this.#write(text)
  }

  #tell(told: Told): void {
    this.#write(JSON.stringify(told))
  }

  #write(text: string): void {
    if (this.#ended) return
    this.#response.write(`data: ${text}\n\n`)
    if (this.#response.writableLength > maxUnread) this.end()
  }
}

interface FollowerParts {
  tell(frames: readonly string[], skipped: number): void
  look(): Promise<void>
  failed(error: unknown): void
}

/** Gathers what happens in a channel, and looks at the channel again when something has. */
class ChannelFollower {
  readonly over: Promise<void>
  readonly #clock: Clock
  readonly #parts: FollowerParts
  #resolveOver: () => void = () => {}
  #frames: string[] = []
  #length = 0
  #skipped = 0
  #cancelTelling: Cancel | undefined
  #cancelLook: Cancel | undefined
  #isDue = false
  #isOver = false

  constructor(clock: Clock, parts: FollowerParts) {
    this.#clock = clock
    this.#parts = parts
    this.over = new Promise((resolve) => {
      this.#resolveOver = resolve
    })
  }

  heard({ frame }: { readonly frame: { readonly text: string } }): void {
    const { text } = frame
    if (this.#frames.length < mostEntries.count && this.#length + text.length <= mostEntries.length) {
      this.#frames.push(text)
      this.#length += text.length
    } else this.#skipped++
    this.#cancelTelling ??= this.#clock.after(gathering, () => {
      this.#cancelTelling = undefined
      this.#flush()
    })
    this.changed()
  }

  /** Looked at once now, and then not again too soon. */
  changed(): void {
    if (this.#isOver) return
    this.#isDue = true
    if (!this.#cancelLook) this.#look()
  }

  ended(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelTelling?.()
    this.#cancelLook?.()
    this.#flush()
    this.#resolveOver()
  }

  #look(): void {
    this.#isDue = false
    this.#cancelLook = this.#clock.after(quick, () => {
      this.#cancelLook = undefined
      if (this.#isDue) this.#look()
    })
    this.#parts.look().catch((error: unknown) => {
      if (!this.#isOver) this.#parts.failed(error)
    })
  }

  #flush(): void {
    if (this.#frames.length === 0) return
    this.#parts.tell(this.#frames, this.#skipped)
    this.#frames = []
    this.#length = 0
    this.#skipped = 0
  }
}

function ifMissing(error: unknown): undefined {
  const isMissing = error instanceof HookboxError && /^unknown_(channel|user)$/.test(error.code)
  if (!isMissing) throw error
}
