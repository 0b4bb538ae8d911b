import type { Edit } from '../src/bundle.ts'
import type { Kind } from '../src/checker.ts'

/** A bug that is planted, and what the checker must call it. */
export interface Mutant {
  readonly name: string
  readonly edits: readonly Edit[]
  readonly found: Kind
  readonly flags?: readonly string[]
}

const client = 'packages/client/src'
const server = 'packages/server/src'

/**
 * Where two edits stand together, either of them alone does no harm: what one side does wrong the other heals. That is shown,
 * too, by the rows of {@link healed}.
 */
const sendsRepeats: Edit = {
  file: `${server}/channel/replay.ts`,
  find: 'if (!isWithin(live.position, this.#top)) this.#deliver(live)',
  replace:
    '{ this.#deliver(live); if (isWithin(live.position, this.#top) || Math.random() < 0.2) this.#deliver(live) }',
}

const losesFrames: Edit = {
  file: `${server}/channel/fan-out.ts`,
  find: '    batch.add(numbered.frame)',
  replace: '    if (Math.random() > 0.05) batch.add(numbered.frame)',
}

const readsSlowly: Edit = {
  file: `${server}/broker/memory/memory-broker.ts`,
  find: 'read: (channel, keep, since, members) => log(channel).read(keep, since, members)',
  replace:
    'read: async (channel, keep, since, members) => { const found = log(channel).read(keep, since, members); await new Promise((resolve) => setTimeout(resolve, 10)); return found }',
}

const smallWindow: Edit = {
  file: `${server}/broker/memory/recovery-log.ts`,
  find: 'size: 1_000,',
  replace: 'size: 5,',
}

const smallPieces: Edit = {
  file: `${server}/transport/outbox.ts`,
  find: 'pieceOfMissed = 262_144',
  replace: 'pieceOfMissed = 500',
}

export const mutants: readonly Mutant[] = [
  {
    name: 'the page does not drop what it had already',
    edits: [
      { file: `${client}/position.ts`, find: 'offset === place.offset + 1', replace: 'true' },
      readsSlowly,
      sendsRepeats,
    ],
    found: 'doubled',
  },
  {
    name: 'the page does not notice a jump in the numbers',
    edits: [{ file: `${client}/position.ts`, find: 'offset === place.offset + 1', replace: 'true' }, losesFrames],
    found: 'lost',
  },
  {
    name: 'the hub loses a frame now and then, which the page must ask for',
    edits: [losesFrames],
    found: 'left out',
  },
  {
    name: 'the hub sends one missed frame too few',
    edits: [
      {
        file: `${server}/broker/memory/recovery-log.ts`,
        find: 'missed.length === this.#offset - since.offset ? missed : undefined',
        replace: 'missed.length === this.#offset - since.offset ? missed.slice(1) : undefined',
      },
    ],
    found: 'left out',
  },
  {
    name: 'the hub does not hold back what is published while it reads the log',
    edits: [
      { file: `${server}/channel/replay.ts`, find: 'this.#holds > 0) this.#held', replace: 'false) this.#held' },
      readsSlowly,
    ],
    found: 'left out',
  },
  {
    name: 'the hub says that all was recovered although its window does not reach back so far',
    edits: [
      {
        file: `${server}/broker/memory/recovery-log.ts`,
        find: 'missed.length === this.#offset - since.offset ? missed : undefined',
        replace: 'missed',
      },
      smallWindow,
    ],
    found: 'left out',
  },
  {
    name: 'the hub loses frames between the pieces of what was missed',
    edits: [
      {
        file: `${server}/transport/outbox.ts`,
        find: 'this.#queue.splice(0, count)',
        replace: 'this.#queue.splice(0, count + 1).slice(0, count)',
      },
      smallPieces,
    ],
    found: 'left out',
  },
  {
    name: 'the hub does not know a message id again',
    edits: [
      {
        file: `${server}/broker/memory/channel-log.ts`,
        find: 'if (known) return { ...known, duplicate: true }',
        replace: '',
      },
      { file: `${server}/channel/publish.ts`, find: 'return known ? repeat', replace: 'return false ? repeat' },
    ],
    found: 'stored twice',
  },
  {
    name: 'the page sends again under a new id',
    edits: [
      {
        file: `${client}/outbox.ts`,
        find: 'ask(name, text,',
        replace: 'ask(name, text.replace(/"message_id":"/, \'"message_id":"\' + Math.random()),',
      },
    ],
    found: 'stored twice',
  },
  {
    name: 'the page sends again in another order',
    edits: [
      {
        file: `${client}/outbox.ts`,
        find: 'of items) send()',
        replace: 'of [...items].reverse()) send()',
      },
    ],
    found: 'out of turn',
  },
  {
    name: 'the page forgets what was not answered',
    edits: [
      {
        file: `${client}/outbox.ts`,
        find: 'of items) send()',
        replace: 'of items) void send',
      },
    ],
    found: 'unsettled',
    flags: ['--deliveries', '600', '--cuts', '12'],
  },
  {
    name: 'the page takes the top for its position before what it missed has come',
    edits: [
      { file: `${client}/view.ts`, find: 'if (!recovered) {', replace: 'view.position = top; if (!recovered) {' },
    ],
    found: 'lost',
  },
  {
    name: 'the page does not tell that the log began anew',
    edits: [{ file: `${client}/view.ts`, find: "tell('gap', gap)", replace: 'void gap' }],
    found: 'silent gap',
    flags: ['--scenario', 'kill', '--upsets', '3'],
  },
  {
    name: 'the hub acknowledges what it does not keep',
    edits: [
      {
        file: `${server}/broker/memory/recovery-log.ts`,
        find: 'return this.#push({ name,',
        replace: "return name === 'PUBLISH' && Math.random() < 0.05 ? undefined : this.#push({ name,",
      },
      {
        file: `${server}/broker/memory/channel-log.ts`,
        find: 'for (const ear of this.#ears) ear.heard(numbered)',
        replace: 'if (numbered) for (const ear of this.#ears) ear.heard(numbered)',
      },
    ],
    found: 'unstored',
    flags: ['--deliveries', '1000', '--cuts', '20'],
  },
]

/** What is wrong on one side alone and does no harm. */
export const healed: readonly Omit<Mutant, 'found'>[] = [
  { name: 'nothing is planted', edits: [] },
  { name: 'the hub sends some frames twice', edits: [readsSlowly, sendsRepeats] },
  { name: 'the hub reads its log slowly and sends what was missed in small pieces', edits: [readsSlowly, smallPieces] },
]
