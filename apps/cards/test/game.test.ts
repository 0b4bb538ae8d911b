import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Card, cardName, pack, seededRandom, shuffled, suits } from '../cards.ts'
import { deal, type Game, isRefusal, leave, type Move, mayDraw, mayPass, type Player, play, playable } from '../game.ts'

const random = seededRandom(1)
const names = ['Ann', 'Bob', 'Cleo', 'Dora']

/** A game in the middle, of which a test says only what it is about. */
function game(given: Partial<Omit<Game, 'players'>> & { hands: Card[][] }): Game {
  const { hands, ...rest } = given
  const players: Player[] = hands.map((hand, index) => ({ name: names[index] ?? '', hand }))
  const usual = {
    deck: ['KS', 'KC'],
    pile: ['5H'],
    suit: 'H',
    turn: 0,
    drawn: false,
    passes: 0,
    end: undefined,
  } as const
  return { ...usual, ...rest, players }
}

/** The game after a move that must be allowed. */
function after(before: Game, name: string, move: Move): Game {
  const now = play(before, name, move, random)
  if (isRefusal(now)) throw new Error(now.error)
  return now
}

const handOf = ({ players }: Game, name: string) => players.find((player) => player.name === name)?.hand

test('a pack has 52 different cards, each with a name', () => {
  expect(new Set(pack).size).toBe(52)
  expect(new Set(pack.map(cardName)).size).toBe(52)
  expect([cardName('QH'), cardName('10S'), cardName('AC')]).toEqual(['queen of hearts', '10 of spades', 'ace of clubs'])
})

test('a shuffle keeps every card, and the same seed gives the same order', () => {
  const order = shuffled(pack, seededRandom(7))
  expect([...order].sort()).toEqual([...pack].sort())
  expect(shuffled(pack, seededRandom(7))).toEqual(order)
  expect(shuffled(pack, seededRandom(8))).not.toEqual(order)
})

test('every card is as likely on top of a shuffle', () => {
  const counts = new Map<Card, number>()
  for (let seed = 0; seed < 5_200; seed += 1) {
    const [top] = shuffled(pack, seededRandom(seed * 7_919))
    if (top) counts.set(top, (counts.get(top) ?? 0) + 1)
  }
  for (const card of pack) expect(counts.get(card)).toSatisfy((count: number) => count > 50 && count < 160, '50 to 160')
})

test.each([
  { players: 2, cards: 7 },
  { players: 3, cards: 5 },
  { players: 4, cards: 5 },
])('$players players get $cards cards each, and one is turned up', ({ players, cards }) => {
  const dealt = deal(names.slice(0, players), random)
  expect(dealt.players.map(({ hand }) => hand.length)).toEqual(Array.from({ length: players }, () => cards))
  expect(dealt.pile).toHaveLength(1)
  expect(dealt.deck).toHaveLength(52 - players * cards - 1)
  expect(dealt).toMatchObject({ turn: 0, end: undefined })
})

test('the first card up is never an eight', () => {
  for (let seed = 0; seed < 200; seed += 1) expect(deal(['Ann', 'Bob'], seededRandom(seed)).pile[0]).not.toMatch(/^8/)
})

test('a card of the same suit or the same rank is played, and it is the next one’s turn', () => {
  const start = game({ hands: [['9H', '5C', '2S'], ['KH']] })
  expect(playable(start, 'Ann')).toEqual(['9H', '5C'])
  const now = after(start, 'Ann', { move: 'play', card: '5C' })
  expect(now).toMatchObject({ pile: ['5H', '5C'], suit: 'C', turn: 1 })
  expect(handOf(now, 'Ann')).toEqual(['9H', '2S'])
})

test('an eight fits always and names the suit that goes on', () => {
  const start = game({
    hands: [
      ['8S', '2S'],
      ['KD', 'KS'],
    ],
  })
  const now = after(start, 'Ann', { move: 'play', card: '8S', suit: 'D' })
  expect(now.suit).toBe('D')
  expect(playable(now, 'Bob')).toEqual(['KD'])
})

test('a suit named with any other card changes nothing', () => {
  const now = after(game({ hands: [['9H', '2S'], ['KD']] }), 'Ann', { move: 'play', card: '9H', suit: 'D' })
  expect(now.suit).toBe('H')
})

test('a drawn card that does not fit, with nothing else that does, ends the turn', () => {
  const now = after(game({ hands: [['2S'], ['KD']] }), 'Ann', { move: 'draw' })
  expect(handOf(now, 'Ann')).toEqual(['2S', 'KC'])
  expect(now).toMatchObject({ turn: 1, drawn: false, deck: ['KS'] })
})

test('whoever could play after drawing may do so or pass', () => {
  const now = after(game({ hands: [['2S'], ['KD']], deck: ['KH'] }), 'Ann', { move: 'draw' })
  expect(now.turn).toBe(0)
  expect([playable(now, 'Ann'), mayDraw(now, 'Ann'), mayPass(now, 'Ann')]).toEqual([['KH'], false, true])
  expect(after(now, 'Ann', { move: 'play', card: 'KH' }).turn).toBe(1)
  expect(after(now, 'Ann', { move: 'pass' })).toMatchObject({ turn: 1, drawn: false })
})

test('when the deck is used up, the pile below its top card becomes the deck', () => {
  const start = game({ hands: [['2S'], ['KD']], deck: [], pile: ['3S', '4S', '5H'] })
  const now = after(start, 'Ann', { move: 'draw' })
  expect(now.pile).toEqual(['5H'])
  expect([...now.deck, ...(handOf(now, 'Ann') ?? [])].sort()).toEqual(['2S', '3S', '4S'])
})

test.each<{ name: string; by?: string; move: Move; from?: Partial<Omit<Game, 'players'>>; error: string }>([
  { name: 'a move out of turn', by: 'Bob', move: { move: 'draw' }, error: 'It is Ann’s turn.' },
  { name: 'a move by a stranger', by: 'Eve', move: { move: 'draw' }, error: 'You are not in this game.' },
  {
    name: 'a card of somebody else',
    move: { move: 'play', card: 'KD' },
    error: 'You do not have the king of diamonds.',
  },
  {
    name: 'a card that does not fit',
    move: { move: 'play', card: '2S' },
    error: 'The 2 of spades does not fit: play hearts, another 5 or an eight.',
  },
  {
    name: 'a card that does not fit the suit of an eight',
    move: { move: 'play', card: '2S' },
    from: { pile: ['8C'], suit: 'D' },
    error: 'The 2 of spades does not fit: play diamonds or an eight.',
  },
  { name: 'an eight without a suit', move: { move: 'play', card: '8D' }, error: 'Choose a suit for your eight.' },
  {
    name: 'a second draw',
    move: { move: 'draw' },
    from: { drawn: true },
    error: 'You have drawn already: play a card or pass.',
  },
  {
    name: 'a draw from nothing',
    move: { move: 'draw' },
    from: { deck: [] },
    error: 'There is nothing left to draw: play a card or pass.',
  },
  { name: 'a pass before drawing', move: { move: 'pass' }, error: 'Draw a card before you pass.' },
  {
    name: 'a move after the end',
    move: { move: 'draw' },
    from: { end: { winners: ['Bob'], reason: 'out' } },
    error: 'The game is over.',
  },
])('$name is refused', ({ by = 'Ann', move, from, error }) => {
  const start = game({ hands: [['2S', '8D'], ['KD']], ...from })
  expect(play(start, by, move, random)).toEqual({ error })
})

test('whoever plays the last card has won', () => {
  const now = after(game({ hands: [['9H'], ['KD']] }), 'Ann', { move: 'play', card: '9H' })
  expect(now.end).toEqual({ winners: ['Ann'], reason: 'out' })
  expect(playable(now, 'Bob')).toEqual([])
})

test('when nobody can go on, the fewest cards win', () => {
  let now = game({ hands: [['2S'], ['3S', '4S'], ['6S']], deck: [] })
  for (const name of ['Ann', 'Bob', 'Cleo']) {
    expect(now.end).toBeUndefined()
    now = after(now, name, { move: 'pass' })
  }
  expect(now.end).toEqual({ winners: ['Ann', 'Cleo'], reason: 'blocked' })
})

test.each([
  { name: 'before the one on turn', turn: 2, who: 'Ann', next: 'Cleo' },
  { name: 'on turn', turn: 0, who: 'Ann', next: 'Bob' },
  { name: 'on turn and last in the row', turn: 2, who: 'Cleo', next: 'Ann' },
  { name: 'after the one on turn', turn: 0, who: 'Cleo', next: 'Ann' },
])('somebody $name leaves: the cards go under the deck, and the turn stays right', ({ turn, who, next }) => {
  const start = game({ hands: [['2S'], ['3S'], ['4S']], turn })
  const now = leave(start, who)
  expect(now.players[now.turn]?.name).toBe(next)
  expect(now.deck).toEqual([...(handOf(start, who) ?? []), 'KS', 'KC'])
  expect(now.end).toBeUndefined()
})

test('whoever is left alone has won', () => {
  expect(leave(game({ hands: [['2S'], ['3S']] }), 'Ann').end).toEqual({ winners: ['Bob'], reason: 'alone' })
})

/** Moves as they come, mostly not allowed, and somebody leaves now and then. */
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      who: fc.constantFrom(...names),
      move: fc.oneof(
        fc.record({
          move: fc.constant('play' as const),
          card: fc.constantFrom(...pack),
          suit: fc.constantFrom(...suits),
        }),
        fc.record({ move: fc.constantFrom('draw' as const, 'pass' as const) }),
      ),
    }),
  },
  // What somebody who knows the rules does, as otherwise no game would get far.
  { weight: 60, arbitrary: fc.record({ pick: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ who: fc.constantFrom(...names), leaves: fc.constant(true) }) },
)

function take(before: Game, what: typeof step extends fc.Arbitrary<infer Step> ? Step : never): Game {
  if ('leaves' in what) return leave(before, what.who)
  if ('move' in what) {
    const now = play(before, what.who, what.move, random)
    return isRefusal(now) ? before : now
  }
  const name = before.players[before.turn]?.name
  if (before.end || name === undefined) return before
  const moves: Move[] = playable(before, name).map((card) => ({ move: 'play', card, suit: 'C' }))
  if (mayDraw(before, name)) moves.push({ move: 'draw' })
  if (mayPass(before, name)) moves.push({ move: 'pass' })
  const move = moves[what.pick % moves.length]
  expect(move).toBeDefined()
  return move ? after(before, name, move) : before
}

test('no sequence of moves loses or doubles a card, and there is always something to do', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 4 }), fc.nat(), fc.array(step, { maxLength: 250 }), (count, seed, steps) => {
      let now = deal(names.slice(0, count), seededRandom(seed))
      for (const what of steps) {
        now = take(now, what)
        const cards = [...now.deck, ...now.pile, ...now.players.flatMap(({ hand }) => hand)]
        expect(cards.length).toBe(52)
        expect(new Set(cards).size).toBe(52)
        expect(now.pile.length).toBeGreaterThan(0)
      }
    }),
  )
})

test('whoever plays what fits and draws otherwise comes to an end', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 4 }), fc.nat(), (count, seed) => {
      let now = deal(names.slice(0, count), seededRandom(seed))
      for (let moves = 0; moves < 2_000 && !now.end; moves += 1) now = take(now, { pick: 0 })
      expect(now.end?.winners.length).toBeGreaterThan(0)
    }),
  )
})
