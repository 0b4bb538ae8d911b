import { formatPosition, type Position } from '@hookbox/protocol'
import type { Fact, Outcome, View } from './facts.ts'

/** What can be wrong, in the order in which it is told. */
export const kinds = {
  lost: 'an acknowledged publish that a subscription should have been given and was not',
  doubled: 'a publish given to a subscription twice',
  reordered: 'a publish given to a subscription after a later one',
  'out of turn': "a publisher's own order lost",
  phantom: 'a publish that nobody made, or given to whom it is not for',
  'silent gap': "a subscription's stretch ended and nobody was told",
  'needless gap': 'a gap told where nothing can have been lost',
  'left out': 'frames left out on an unbroken line, which the page had to ask for',
  'put out': 'a subscription that the hub ended, which nobody asked for',
  misplaced: 'a publish given with another position than its own',
  unsettled: 'a publish that was never answered, or twice',
  unstored: 'a publish acknowledged and not in the log',
  'stored twice': 'a publish that stands in the log twice',
  diverged: 'two subscriptions that hold different things of one channel',
  ghost: 'a user shown in a channel and not there, or there and not shown',
  late: 'what took longer, or more, than it may',
} as const

export type Kind = keyof typeof kinds

export const kindNames: readonly Kind[] = Object.keys(kinds) as Kind[]

export interface Report {
  readonly deliveries: number
  readonly publishes: number
  readonly gaps: number
  readonly recoveries: number
  readonly counts: Readonly<Record<Kind, number>>
  /** The first of what is wrong, with names and positions. */
  readonly examples: readonly string[]
}

export interface Checker {
  take(fact: Fact): void
  /** What was found so far. */
  readonly report: Report
  /** Judges what only the end can tell. Nothing is taken afterwards. */
  end(): Report
}

export interface Rules {
  /** Whether the faults can make the hub forget: then gaps are expected, and must be told. */
  readonly gaps: boolean
}

interface Publish {
  readonly id: string
  readonly publisher: string
  readonly channel: string
  readonly page: string | undefined
  /** The publisher's own order. */
  readonly turn: number
  /** The number of the fact. */
  readonly at: number
  /** How often a hub had lost its memory when it was made. */
  readonly life: number
  settled: boolean
  refused: boolean
  stored?: Position
}

interface Subscription {
  readonly name: string
  readonly page: string
  readonly channel: string
  position?: Position
  reflective: boolean
  interrupted: boolean
  cancelled: boolean
  view?: View
  /** By publisher, the turn that was given last in this stretch. */
  turns: Map<string, number>
  /** Offsets passed over, with the number of the fact: joins, leaves and state have such, and what was lost. */
  passed: Map<number, number>
}

/** One life of a channel's log. */
interface Log {
  readonly entries: Map<number, Entry>
}

interface Entry {
  readonly publish: Publish
  acknowledged: boolean
  /** Whether anybody was given it. */
  given: boolean
}

const exampleCount = 20

/** Facts between two rounds of judging what was passed over. */
const judging = 1_000

/** Lives of a channel, from the last one backwards, into which a subscription may still come. */
const epochsBack = 3

/** Facts between two rounds of forgetting what cannot matter any more, so that a run may last for days. */
const forgetting = 20_000

export function createChecker(rules: Rules): Checker {
  const counts = Object.fromEntries(kindNames.map((kind) => [kind, 0])) as Record<Kind, number>
  const examples: string[] = []
  const publishes = new Map<string, Publish>()
  /** By publisher, how many it made. */
  const publishers = new Map<string, number>()
  const subscriptions = new Map<string, Subscription>()
  const byChannel = new Map<string, Set<Subscription>>()
  const logs = new Map<string, Map<string, Log>>()
  const unsettled = new Map<string, Publish>()
  let now = 0
  let life = 0
  let deliveries = 0
  let gaps = 0
  let recoveries = 0
  let made = 0

  function found(kind: Kind, text: string): void {
    counts[kind]++
    if (examples.length < exampleCount) examples.push(`${kind}: ${text}`)
  }

  function take(fact: Fact): void {
    now++
    if (now % judging === 0) judge()
    if (now % forgetting === 0) forget()
    switch (fact.fact) {
      case 'publish':
        return publish(fact)
      case 'settle':
        return settle(fact.id, fact.outcome)
      case 'hold':
        return hold(fact)
      case 'memory lost':
        life++
        return
      case 'took':
        if (fact.much > fact.bound) found('late', `${fact.what}: ${fact.much}, more than ${fact.bound}`)
        return
    }
    const subscription = subscriptions.get(fact.subscription)
    if (subscription === undefined) {
      found('phantom', `${fact.fact} of ${fact.subscription}, which nobody holds`)
      return
    }
    switch (fact.fact) {
      case 'subscribed':
        return subscribed(subscription, fact)
      case 'gap':
        return gap(subscription, fact)
      case 'interrupted':
        subscription.interrupted = true
        return
      case 'put out':
        return found('put out', `${subscription.name} of ${subscription.channel}`)
      case 'deliver':
        return deliver(subscription, fact)
      case 'cancel':
        return cancel(subscription)
      case 'view':
        subscription.view = fact.view
    }
  }

  function publish({ id, publisher, channel, page }: Extract<Fact, { fact: 'publish' }>): void {
    const turn = (publishers.get(publisher) ?? 0) + 1
    publishers.set(publisher, turn)
    made++
    const one: Publish = { id, publisher, channel, page, turn, at: now, life, settled: false, refused: false }
    publishes.set(id, one)
    unsettled.set(id, one)
  }

  function settle(id: string, outcome: Outcome): void {
    const one = publishes.get(id)
    if (one === undefined || one.settled) {
      found('unsettled', `${id} was answered ${one === undefined ? 'and never made' : 'twice'}`)
      return
    }
    one.settled = true
    unsettled.delete(id)
    if (typeof outcome === 'object') place(one, outcome).acknowledged = true
    else if (outcome === 'not stored') {
      one.refused = true
      if (one.stored !== undefined) refusedAndStored(one, one.stored)
    }
  }

  /** What is known to stand at a position of a log, by its acknowledgement or because somebody was given it. */
  function place(one: Publish, position: Position): Entry {
    const { stored, channel } = one
    if (stored !== undefined && !same(stored, position)) {
      const forgotten = life > one.life && stored.epoch !== position.epoch
      if (!forgotten) found('stored twice', `${one.id} at ${formatPosition(stored)} and ${formatPosition(position)}`)
    }
    one.stored = position
    const log = logOf(channel, position.epoch)
    const known = log.entries.get(position.offset)
    if (known?.publish === one) return known
    if (one.refused) refusedAndStored(one, position)
    if (known !== undefined) {
      const both = `${known.publish.id} and ${one.id}`
      found('diverged', `${both} both stand at ${formatPosition(position)} of ${channel}`)
      return known
    }
    const entry = { publish: one, acknowledged: false, given: false }
    log.entries.set(position.offset, entry)
    return entry
  }

  function refusedAndStored({ id }: Publish, position: Position): void {
    found('phantom', `${id} was refused and stands at ${formatPosition(position)}`)
  }

  function logOf(channel: string, epoch: string): Log {
    const epochs = logs.get(channel) ?? new Map<string, Log>()
    logs.set(channel, epochs)
    const log = epochs.get(epoch) ?? { entries: new Map<number, Entry>() }
    epochs.set(epoch, log)
    return log
  }

  function hold({ subscription: name, page, channel }: Extract<Fact, { fact: 'hold' }>): void {
    const one: Subscription = {
      name,
      page,
      channel,
      reflective: true,
      interrupted: true,
      cancelled: false,
      turns: new Map(),
      passed: new Map(),
    }
    subscriptions.set(name, one)
    const among = byChannel.get(channel) ?? new Set()
    byChannel.set(channel, among.add(one))
  }

  function subscribed(one: Subscription, fact: Extract<Fact, { fact: 'subscribed' }>): void {
    one.reflective = fact.reflective
    const { position } = one
    if (fact.recovered) {
      recoveries++
      if (position === undefined) found('silent gap', `${one.name} recovered what it never had`)
      else if (position.epoch !== fact.position.epoch) {
        found(
          'silent gap',
          `${one.name} recovered from ${formatPosition(position)} to ${formatPosition(fact.position)}`,
        )
      }
      if (!one.interrupted) found('left out', `${one.name} had to ask again at ${formatPosition(fact.position)}`)
    } else if (position !== undefined && !same(position, fact.position)) {
      found('silent gap', `${one.name} goes from ${formatPosition(position)} to ${formatPosition(fact.position)}`)
    }
    if (position === undefined || !fact.recovered) begin(one, fact.position)
    one.interrupted = false
  }

  function gap(one: Subscription, { last, now: next, lost }: Extract<Fact, { fact: 'gap' }>): void {
    gaps++
    const from = one.position
    const text = `${one.name} from ${formatPosition(last)} to ${formatPosition(next)}`
    if (!rules.gaps) found('needless gap', text)
    // a position moves by joins and state as well, of which a checker of publishes hears nothing
    if (from === undefined || from.epoch !== last.epoch || from.offset > last.offset)
      found('misplaced', `gap of ${text}`)
    if (lost !== undefined && lost !== next.offset - last.offset) found('misplaced', `gap of ${text} says ${lost} lost`)
    if (from !== undefined && from.epoch === last.epoch) pass(one, last.offset + 1)
    begin(one, next)
  }

  /** From here on everything is due. What was passed over before still is. */
  function begin(one: Subscription, position: Position): void {
    judgePassed(one, Number.POSITIVE_INFINITY)
    one.position = position
    one.turns = new Map()
  }

  function deliver(one: Subscription, fact: Extract<Fact, { fact: 'deliver' }>): void {
    deliveries++
    const { id, offset, position } = fact
    const publish = publishes.get(id)
    const text = `${id} to ${one.name} in ${one.channel}${position ? ` at ${formatPosition(position)}` : ''}`
    if (publish === undefined) {
      // Made, and so long ago that it was forgotten here: everybody had been given it then.
      const [publisher = '', turn] = id.split('/')
      return found(Number(turn) <= (publishers.get(publisher) ?? 0) ? 'stored twice' : 'phantom', text)
    }
    if (one.cancelled) return found('phantom', `${text}, which was given back`)
    if (publish.channel !== one.channel) return found('phantom', `${text}, made in ${publish.channel}`)
    if (publish.page === one.page && !one.reflective) return found('phantom', `${text}, its own`)
    if (one.position === undefined || position === undefined) return found('phantom', `${text}, before the hub agreed`)
    if (offset !== position.offset) found('misplaced', `${text}, told as ${offset}`)
    const own = { epoch: position.epoch, offset: offset ?? position.offset }
    if (own.epoch !== one.position.epoch) {
      found('silent gap', `${text}, after ${formatPosition(one.position)}`)
      begin(one, { epoch: own.epoch, offset: own.offset - 1 })
    } else if (own.offset <= one.position.offset) {
      const before = logOf(one.channel, own.epoch).entries.get(own.offset)
      const late = one.passed.delete(own.offset)
      found(late ? 'reordered' : before?.publish === publish || before === undefined ? 'doubled' : 'reordered', text)
      return
    }
    pass(one, own.offset)
    one.position = own
    place(publish, own).given = true
    const turn = one.turns.get(publish.publisher)
    if (turn !== undefined && turn >= publish.turn) found('out of turn', `${text}, made before the last one given`)
    one.turns.set(publish.publisher, publish.turn)
  }

  /** Everything from the position to below this offset is passed over. */
  function pass(one: Subscription, offset: number): void {
    for (let passed = (one.position?.offset ?? offset) + 1; passed < offset; passed++) one.passed.set(passed, now)
  }

  function cancel(one: Subscription): void {
    judgePassed(one, Number.POSITIVE_INFINITY)
    one.cancelled = true
    one.turns.clear()
  }

  /**
   * What was passed over before fact `until` is joins and state, or lost. By then every publish made before it must have been
   * settled; what is still open at the end of a stretch is judged by what is known.
   */
  function judgePassed(one: Subscription, until: number): void {
    const { position } = one
    if (position === undefined) return
    const { entries } = logOf(one.channel, position.epoch)
    for (const [offset, at] of one.passed) {
      if (at >= until) continue
      one.passed.delete(offset)
      const entry = entries.get(offset)
      if (entry !== undefined && isDue(one, entry)) missed(one, entry.publish, { epoch: position.epoch, offset })
    }
  }

  function isDue(one: Subscription, { publish, acknowledged }: Entry): boolean {
    return acknowledged && (one.reflective || publish.page !== one.page)
  }

  function missed(one: Subscription, publish: Publish, position: Position): void {
    const entry = logOf(one.channel, position.epoch).entries.get(position.offset)
    const kind = entry?.given ? 'lost' : 'unstored'
    found(kind, `${publish.id}, acknowledged at ${formatPosition(position)} of ${one.channel}, to ${one.name}`)
  }

  function judge(): void {
    const [oldest] = unsettled.values()
    const until = oldest?.at ?? now
    for (const one of subscriptions.values()) if (one.passed.size > 0) judgePassed(one, until)
  }

  function forget(): void {
    for (const one of subscriptions.values()) {
      if (!one.cancelled) continue
      subscriptions.delete(one.name)
      byChannel.get(one.channel)?.delete(one)
    }
    for (const [channel, epochs] of logs) {
      const recent = new Set([...epochs.keys()].slice(-epochsBack))
      for (const [epoch, log] of epochs) {
        const floor = floorOf(channel, epoch, recent.has(epoch))
        for (const [offset, { publish }] of log.entries) {
          if (offset > floor || !publish.settled) continue
          log.entries.delete(offset)
          // What a hub forgot and stored again is waited for where it stands now.
          const { stored } = publish
          if (stored !== undefined && same(stored, { epoch, offset })) publishes.delete(publish.id)
        }
      }
    }
  }

  /** Up to where nobody who stands in this life of the channel can be given anything any more. */
  function floorOf(channel: string, epoch: string, isRecent: boolean): number {
    let floor = Number.POSITIVE_INFINITY
    let anybody = false
    for (const { position, passed } of byChannel.get(channel) ?? []) {
      // On its way into this life, with an answer that is older than what others were given already.
      if (isRecent && position?.epoch !== epoch) return Number.NEGATIVE_INFINITY
      if (position === undefined) continue
      anybody = true
      // passed over in ascending order, so the first is the lowest
      const [lowest] = passed.keys()
      if (position.epoch === epoch) floor = Math.min(floor, lowest === undefined ? position.offset : lowest - 1)
    }
    return anybody ? floor : Number.NEGATIVE_INFINITY
  }

  function end(): Report {
    for (const one of unsettled.values()) found('unsettled', `${one.id} was never answered`)
    for (const one of subscriptions.values()) {
      judgePassed(one, Number.POSITIVE_INFINITY)
      const { position, cancelled } = one
      if (cancelled || position === undefined) continue
      for (const [offset, entry] of logOf(one.channel, position.epoch).entries) {
        if (offset > position.offset && isDue(one, entry)) {
          missed(one, entry.publish, { epoch: position.epoch, offset })
        }
      }
    }
    for (const [channel, among] of byChannel) {
      compareViews(channel, among)
      comparePresence(channel, among)
    }
    return report()
  }

  /** Whoever holds a channel is there, under the name of its page. */
  function comparePresence(channel: string, among: Iterable<Subscription>): void {
    const holding = [...among].filter(({ cancelled }) => !cancelled)
    const there = new Set(holding.map(({ page }) => page))
    for (const { name, view } of holding) {
      if (view?.present === undefined) continue
      const shown = new Set(view.present)
      const ghosts = [...shown].filter((user) => !there.has(user))
      const missing = [...there].filter((user) => !shown.has(user))
      if (ghosts.length + missing.length === 0) continue
      found(
        'ghost',
        `${channel} shows ${ghosts.join() || 'nobody'} too many and lacks ${missing.join() || 'nobody'}, to ${name}`,
      )
    }
  }

  function compareViews(channel: string, among: Iterable<Subscription>): void {
    let first: Subscription | undefined
    for (const one of among) {
      if (one.cancelled || one.view === undefined) continue
      first ??= one
      const [a, b] = [first, one].map(({ view }) => ({
        position: view?.position ? formatPosition(view.position) : `no position, ${view?.status}`,
        content: view?.content,
      }))
      if (a?.position !== b?.position) {
        found('diverged', `${channel} is at ${a?.position} for ${first.name}, at ${b?.position} for ${one.name}`)
      } else if (a?.content !== b?.content) {
        found('diverged', `${channel} is ${a?.content} for ${first.name}, ${b?.content} for ${one.name}`)
      }
    }
  }

  function report(): Report {
    return { deliveries, publishes: made, gaps, recoveries, counts: { ...counts }, examples: [...examples] }
  }

  return {
    take,
    end,
    get report() {
      return report()
    },
  }
}

function same(a: Position, b: Position): boolean {
  return a.epoch === b.epoch && a.offset === b.offset
}

export function violationsOf({ counts }: Report): number {
  return kindNames.reduce((sum, kind) => sum + counts[kind], 0)
}
