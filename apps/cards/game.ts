import { type Card, cardName, pack, type Random, rankOf, type Suit, shuffled, suitNames, suitOf } from './cards.ts'

/** One game of Eights from the deal to its end. It never changes: every move makes another one. */
export interface Game {
  /** In the order in which they play. */
  readonly players: readonly Player[]
  /** Face down; the last one is drawn next. */
  readonly deck: readonly Card[]
  /** Face up; the last one is the card to match. */
  readonly pile: readonly Card[]
  /** The suit to match: that of the top card, or the one that was named with an eight. */
  readonly suit: Suit
  /** Whose turn it is, as an index into `players`. */
  readonly turn: number
  /** Whether whoever is on turn has drawn a card already. */
  readonly drawn: boolean
  /** How many in a row have passed because nothing was left to draw. */
  readonly passes: number
  /** Set when the game is over. */
  readonly end: End | undefined
}

export interface Player {
  readonly name: string
  readonly hand: readonly Card[]
}

export interface End {
  /** More than one where a blocked game leaves several with as few cards. */
  readonly winners: readonly string[]
  /** `out`: a hand is empty. `blocked`: nobody can go on. `alone`: everybody else has left. */
  readonly reason: 'out' | 'blocked' | 'alone'
}

export type Move =
  | { readonly move: 'play'; readonly card: Card; readonly suit?: Suit }
  | { readonly move: 'draw' | 'pass' }

/** Why a move is not allowed, in words for whoever made it. */
export interface Refusal {
  readonly error: string
}

export const isRefusal = (value: object): value is Refusal => 'error' in value

/** How many can play. */
export const fewest = 2
export const most = 4

const handSize = (players: number) => (players === 2 ? 7 : 5)

/** Shuffles, deals, and turns a card up. The first of `names` begins. */
export function deal(names: readonly string[], random: Random): Game {
  const deck = shuffled(pack, random)
  const players = names.map((name) => ({ name, hand: deck.splice(-handSize(names.length)) }))
  // An eight cannot be the first card, as nobody has named a suit for it.
  const first = deck.findLastIndex((card) => rankOf(card) !== '8')
  const pile = deck.splice(first, 1)
  return settle({ players, deck, pile, suit: topSuit(pile), turn: 0, drawn: false, passes: 0, end: undefined })
}

/** The game after a move, or why it is not allowed. */
export function play(game: Game, name: string, move: Move, random: Random): Game | Refusal {
  const player = game.players[game.turn]
  if (!player || game.end) return { error: 'The game is over.' }
  if (!game.players.some((one) => one.name === name)) return { error: 'You are not in this game.' }
  if (player.name !== name) return { error: `It is ${player.name}’s turn.` }
  if (move.move === 'play') return playCard(game, player, move.card, move.suit)
  return move.move === 'draw' ? draw(game, player, random) : pass(game)
}

function playCard(game: Game, player: Player, card: Card, named: Suit | undefined): Game | Refusal {
  if (!player.hand.includes(card)) return { error: `You do not have the ${cardName(card)}.` }
  if (!matches(game, card)) {
    const top = game.pile.at(-1)
    const rank = top && rankOf(top) !== '8' ? `, another ${cardName(top).split(' ')[0]}` : ''
    return { error: `The ${cardName(card)} does not fit: play ${suitNames[game.suit]}${rank} or an eight.` }
  }
  if (rankOf(card) === '8' && !named) return { error: 'Choose a suit for your eight.' }
  const hand = player.hand.filter((one) => one !== card)
  const played: Game = {
    ...withHand(game, hand),
    pile: [...game.pile, card],
    suit: rankOf(card) === '8' && named ? named : suitOf(card),
    passes: 0,
  }
  if (hand.length === 0) return { ...played, end: { winners: [player.name], reason: 'out' } }
  return next(played)
}

function draw(game: Game, player: Player, random: Random): Game | Refusal {
  if (game.drawn) return { error: 'You have drawn already: play a card or pass.' }
  if (!canDraw(game)) return { error: 'There is nothing left to draw: play a card or pass.' }
  const { deck, pile } = refilled(game, random)
  const card = deck.at(-1)
  if (!card) return game
  const drawn = { ...withHand(game, [...player.hand, card]), deck: deck.slice(0, -1), pile, drawn: true, passes: 0 }
  return playable(drawn, player.name).length > 0 ? drawn : next(drawn)
}

function pass(game: Game): Game | Refusal {
  if (game.drawn) return next(game)
  if (canDraw(game)) return { error: 'Draw a card before you pass.' }
  return settle(next({ ...game, passes: game.passes + 1 }))
}

/** The game without somebody: the hand goes under the deck, unseen. */
export function leave(game: Game, name: string): Game {
  const index = game.players.findIndex((player) => player.name === name)
  const player = game.players[index]
  if (!player) return game
  const players = game.players.filter((one) => one !== player)
  if (game.end) return { ...game, players, deck: [...player.hand, ...game.deck] }
  const wasOnTurn = index === game.turn
  const turn = (index < game.turn ? game.turn - 1 : game.turn) % Math.max(players.length, 1)
  const drawn = game.drawn && !wasOnTurn
  return settle({ ...game, players, deck: [...player.hand, ...game.deck], turn, drawn, passes: 0 })
}

/** The cards that somebody may play now. */
export function playable(game: Game, name: string): Card[] {
  const player = game.players[game.turn]
  if (game.end || player?.name !== name) return []
  return player.hand.filter((card) => matches(game, card))
}

/** Whether somebody may draw now. */
export const mayDraw = (game: Game, name: string) => isOnTurn(game, name) && !game.drawn && canDraw(game)

/** Whether somebody may pass now. */
export const mayPass = (game: Game, name: string) => isOnTurn(game, name) && (game.drawn || !canDraw(game))

const isOnTurn = (game: Game, name: string) => !game.end && game.players[game.turn]?.name === name

function matches({ pile, suit }: Game, card: Card): boolean {
  const top = pile.at(-1)
  // The rank of an eight on top matches nothing but an eight, and these fit always.
  return rankOf(card) === '8' || suitOf(card) === suit || (top !== undefined && rankOf(card) === rankOf(top))
}

const canDraw = ({ deck, pile }: Game) => deck.length + pile.length > 1

/** When the deck is used up, the pile below its top card is shuffled and becomes the deck. */
function refilled({ deck, pile }: Game, random: Random): Pick<Game, 'deck' | 'pile'> {
  if (deck.length > 0) return { deck, pile }
  return { deck: shuffled(pile.slice(0, -1), random), pile: pile.slice(-1) }
}

function withHand(game: Game, hand: readonly Card[]): Game {
  return { ...game, players: game.players.map((player, index) => (index === game.turn ? { ...player, hand } : player)) }
}

const next = (game: Game): Game => ({ ...game, turn: (game.turn + 1) % game.players.length, drawn: false })

/** Ends a game that cannot go on. */
function settle(game: Game): Game {
  const { players, passes } = game
  const names = players.map(({ name }) => name)
  if (players.length < fewest) return { ...game, end: { winners: names, reason: 'alone' } }
  if (passes < players.length) return game
  const least = Math.min(...players.map(({ hand }) => hand.length))
  const winners = players.filter(({ hand }) => hand.length === least).map(({ name }) => name)
  return { ...game, end: { winners, reason: 'blocked' } }
}

function topSuit(pile: readonly Card[]): Suit {
  const top = pile.at(-1)
  return top ? suitOf(top) : 'S'
}
