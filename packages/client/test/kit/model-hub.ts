import type { Entry, Json } from '@hookbox/protocol'
import type { FakeSocket, Frame } from './socket.ts'
import type { World } from './world.ts'

interface Logged {
  readonly offset: number
  readonly frame: Frame
  /** The page's own publishes carry the line's page; the others none. */
  readonly mine: boolean
}

interface ModelLine {
  readonly socket: FakeSocket
  /** Messages on their way to the hub, and to the page. */
  readonly up: string[]
  readonly down: string[]
  connected: boolean
  readonly channels: Set<string>
}

/** A channel of the model: everything ever told is in `log`, what can still be recovered in the window. */
export class ModelChannel {
  readonly name: string
  readonly reflective: boolean
  readonly historySize: number
  epoch = 'e1'
  top = 0
  windowFrom = 0
  /** By epoch: everything that ever got a number. */
  readonly logs = new Map<string, Logged[]>([['e1', []]])
  readonly ids = new Map<string, string>()
  history: Entry[] = []
  readonly users = new Set<string>()
  readonly state = new Map<string, Json>()

  constructor(name: string, reflective: boolean, historySize: number) {
    this.name = name
    this.reflective = reflective
    this.historySize = historySize
  }

  get log(): Logged[] {
    return this.logs.get(this.epoch) ?? []
  }

  get position(): string {
    return `${this.epoch}:${this.top}`
  }
}

/** The smallest hub that keeps the protocol's promises, for one page. What is on its way moves when the test says so. */
export class ModelHub {
  readonly channels = new Map<string, ModelChannel>()
  readonly world: World
  line: ModelLine | undefined
  /** Answers to SUBSCRIBE and PUBLISH are temporary errors while this is set. */
  faulty = false
  /** Sockets cannot connect while this is set. */
  down = false
  stored: string[] = []
  #time = 0

  constructor(world: World) {
    this.world = world
    world.onSocket = (socket) => {
      const line: ModelLine = { socket, up: [], down: [], connected: false, channels: new Set() }
      socket.onMessage = (message) => line.up.push(message)
      this.line = line
    }
  }

  channel(name: string): ModelChannel {
    let channel = this.channels.get(name)
    if (channel === undefined) {
      channel = new ModelChannel(name, name !== 'quiet', name === 'plain' ? 0 : 5)
      this.channels.set(name, channel)
    }
    return channel
  }

  /** Lets a socket that is being opened connect, or fail. */
  open(): void {
    const { line } = this
    if (line === undefined || line.socket.readyState !== 0) return
    if (this.down) line.socket.ends(1006, '', false)
    else line.socket.opens()
  }

  /** What is on its way to the hub arrives. */
  hear(): void {
    const { line } = this
    const message = line?.up.shift()
    if (line === undefined || message === undefined) return
    for (const text of message.split('\n')) this.#take(line, JSON.parse(text) as Frame)
  }

  /** What is on its way to the page arrives. */
  tell(): void {
    const text = this.line?.down.shift()
    if (text !== undefined) this.line?.socket.hearsText(text)
  }

  /** One message to the page is lost, or comes twice. */
  lose(): void {
    const { line } = this
    // answers are not lost on a line that lives; told entries may be, by a fault of a hub
    const at = line?.down.findIndex(
      (text) => !text.includes('\n') && /^\[0,"(PUBLISH|STATE|SUBSCRIBE"|UNSUBSCRIBE")/.test(text),
    )
    if (line !== undefined && at !== undefined && at >= 0) line.down.splice(at, 1)
  }

  repeat(): void {
    const { line } = this
    const text = line?.down[0]
    if (line !== undefined && text?.startsWith('[0,"PUBLISH"')) line.down.unshift(text)
  }

  cut(code: number): void {
    const { line } = this
    if (line === undefined || line.socket.readyState === 3) return
    line.up.length = 0
    line.down.length = 0
    line.channels.clear()
    line.socket.ends(code, '', false)
  }

  trim(name: string): void {
    const channel = this.channel(name)
    channel.windowFrom = channel.top
  }

  begin(name: string): void {
    const channel = this.channel(name)
    channel.epoch = `e${channel.logs.size + 1}`
    channel.logs.set(channel.epoch, [])
    channel.top = 0
    channel.windowFrom = 0
    channel.history = []
    channel.state.clear()
    this.#say(name, [0, 'EPOCH', { channel_name: name, epoch: channel.epoch }])
  }

  publish(name: string, payload: Json, messageId?: string): string {
    const channel = this.channel(name)
    const args = { user: messageId ? 'ann' : 'bob', payload, datetime: this.#datetime() }
    return this.#append(
      channel,
      'PUBLISH',
      { ...args, ...(messageId && { message_id: messageId }) },
      messageId !== undefined,
    )
  }

  join(name: string, user: string): void {
    const channel = this.channel(name)
    if (channel.users.has(user)) return
    channel.users.add(user)
    this.#append(channel, 'SUBSCRIBE', { user, datetime: this.#datetime() }, false)
  }

  leave(name: string, user: string): void {
    const channel = this.channel(name)
    if (!channel.users.delete(user)) return
    this.#append(channel, 'UNSUBSCRIBE', { user, datetime: this.#datetime() }, false)
  }

  set(name: string, key: string, value: Json): void {
    const channel = this.channel(name)
    channel.state.set(key, value)
    this.#append(channel, 'STATE_UPDATE', { updates: { [key]: value }, deletes: [] }, false)
  }

  remove(name: string): void {
    const { line } = this
    if (line?.channels.delete(name)) this.#down([0, 'UNSUBSCRIBED', { channel_name: name, reason: 'removed' }])
  }

  /** The channel's options have changed: whoever is in it gets a new answer, unasked. */
  announce(name: string): void {
    if (this.line?.channels.has(name)) this.#down(this.#subscribed(0, this.channel(name)))
  }

  /** The same, with an entry in it that was not told: by a fault of a hub that reads while others write. */
  overtake(name: string): void {
    const { line } = this
    const told = line?.down.length
    this.publish(name, 0)
    line?.down.splice(told ?? 0)
    this.announce(name)
  }

  #datetime(): string {
    return new Date(++this.#time).toISOString()
  }

  #append(channel: ModelChannel, name: string, args: Record<string, unknown>, mine: boolean): string {
    const offset = ++channel.top
    const frame: Frame = [0, name, { channel_name: channel.name, ...args, offset }]
    channel.log.push({ offset, frame, mine })
    if (channel.top - channel.windowFrom > 8) channel.windowFrom++
    if (name !== 'STATE_UPDATE' && channel.historySize > 0) {
      channel.history = [...channel.history, [name, { ...args, offset }] as unknown as Entry].slice(
        -channel.historySize,
      )
    }
    const withheld = mine && !channel.reflective
    this.#say(channel.name, withheld ? [0, 'POSITION', { channel_name: channel.name, offset }] : frame)
    return channel.position
  }

  #say(channel: string, frame: Frame): void {
    if (this.line?.channels.has(channel)) this.#down(frame)
  }

  #down(...frames: Frame[]): void {
    this.line?.down.push(frames.map((frame) => JSON.stringify(frame)).join('\n'))
  }

  #take(line: ModelLine, [id, name, args]: Frame): void {
    const channelName = args.channel_name as string
    if (name === 'CONNECT') {
      line.connected = true
      const limits = { frame: 65_536, message: 1_048_576, channels: 128 }
      this.#down([id, 'CONNECTED', { name: 'ann', payload: null, id: 'c', ticket: 't', ping: 0, linger: 15, limits }])
      return
    }
    if (name === 'PONG') return
    if (this.faulty && name !== 'UNSUBSCRIBE') {
      this.#down([id, 'ERROR', { code: 'webhook_failed', message: 'it failed', temporary: true }])
    } else if (name === 'SUBSCRIBE')
      this.#subscribe(line, id, this.channel(channelName), args.since as string | undefined)
    else if (name === 'UNSUBSCRIBE') {
      if (line.channels.delete(channelName)) this.#down([id, 'RESULT', {}])
      else this.#down([id, 'ERROR', { code: 'not_subscribed', message: 'not subscribed', temporary: false }])
    } else if (name === 'PUBLISH') {
      const channel = this.channel(channelName)
      const messageId = args.message_id as string
      const known = channel.ids.get(messageId)
      if (known !== undefined) return this.#down([id, 'RESULT', { position: known, duplicate: true }])
      this.stored.push(messageId)
      const position = this.publish(channelName, args.payload as Json, messageId)
      channel.ids.set(messageId, position)
      this.#down([id, 'RESULT', { position }])
    }
  }

  #subscribe(line: ModelLine, id: number, channel: ModelChannel, since: string | undefined): void {
    line.channels.add(channel.name)
    const [epoch, offset] = since?.split(':') ?? []
    const from = Number(offset)
    const recovered =
      since === undefined ? undefined : epoch === channel.epoch && from >= channel.windowFrom && from <= channel.top
    const missed = recovered ? channel.log.filter((one) => one.offset > from) : []
    this.#down(this.#subscribed(id, channel, recovered === undefined ? {} : { recovered, missed: missed.length }))
    for (const { frame } of missed) this.#down(frame)
  }

  #subscribed(id: number, channel: ModelChannel, resumed: { recovered?: boolean; missed?: number } = {}): Frame {
    return [
      id,
      'SUBSCRIBED',
      {
        channel_name: channel.name,
        position: channel.position,
        presenceful: true,
        reflective: channel.reflective,
        history_size: channel.historySize,
        history_duration: 0,
        ...resumed,
        ...(!resumed.recovered && {
          history: channel.history,
          presence: [...channel.users],
          state: Object.fromEntries(channel.state),
        }),
      },
    ]
  }
}
