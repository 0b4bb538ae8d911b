import type { Card, Random, Suit } from './cards.ts'
import {
  deal,
  type End,
  fewest,
  type Game,
  isRefusal,
  leave,
  type Move,
  mayDraw,
  mayPass,
  most,
  play,
  playable,
  type Refusal,
} from './game.ts'

/** What somebody at the table may ask for. */
export type Action = Move | { readonly move: 'sit' } | { readonly move: 'leave' } | { readonly move: 'deal' }

/** What everybody is told of an action. Whatever is nobody else's business is not in it: a drawn card, for instance. */
export interface Told {
  readonly move: Action['move']
  readonly card?: Card
  /** The suit that an eight asks for. */
  readonly suit?: Suit
  /** How many cards whoever acted has now. */
  readonly cards?: number
  /** Who is next. */
  readonly turn?: string
  readonly end?: End
}

/** What everybody sees of the table: the state of the channel. */
export interface TableState {
  readonly phase: 'waiting' | 'playing' | 'over'
  readonly seats: readonly { readonly name: string; readonly cards: number }[]
  readonly turn: string | null
  readonly top: Card | null
  readonly suit: Suit | null
  readonly deck: number
  readonly pile: number
  readonly end: End | null
  /** How many games have been dealt. */
  readonly game: number
  /** Grows with everything that happens. */
  readonly moves: number
}

/** What one person sees besides: a private message. */
export interface View {
  readonly hand: readonly Card[]
  /** Those of the hand that may be played now. The page itself knows no rules. */
  readonly playable: readonly Card[]
  readonly draw: boolean
  readonly pass: boolean
  /** Of two views the one with more moves is newer. */
  readonly moves: number
}

/** A line of what has happened, in the form in which a channel's `history` is handed to the hub. */
export type Entry = ['PUBLISH', { user: string; payload: Told; datetime: string; message_id?: string }]

export const historySize = 30

/** The table: its seats, and one game after the other. */
export class Table {
  readonly #random: Random
  #seats: string[] = []
  #game: Game | undefined
  #games = 0
  #moves = 0
  #history: Entry[] = []

  constructor(random: Random) {
    this.#random = random
  }

  /** Lets somebody act, and gives what is told to all. One `messageId` acts once, however often the hub asks about it. */
  act(name: string, action: Action, messageId?: string): Told | Refusal {
    const before =
      messageId && this.#history.find(([, { user, message_id }]) => user === name && message_id === messageId)
    if (before) return before[1].payload
    const told = this.#do(name, action)
    if (!isRefusal(told)) this.#keep(name, told, messageId)
    return told
  }

  /** Gives a seat up for somebody who is gone; undefined when there was none. */
  leave(name: string): Told | undefined {
    const told = this.act(name, { move: 'leave' })
    return isRefusal(told) ? undefined : told
  }

  get seats(): readonly string[] {
    return this.#seats
  }

  /** Oldest first. */
  get history(): readonly Entry[] {
    return this.#history
  }

  get state(): TableState {
    const game = this.#game
    return {
      phase: game ? (game.end ? 'over' : 'playing') : 'waiting',
      seats: this.#seats.map((name) => ({ name, cards: this.#handOf(name).length })),
      turn: turnOf(game) ?? null,
      top: game?.pile.at(-1) ?? null,
      suit: game?.suit ?? null,
      deck: game?.deck.length ?? 0,
      pile: game?.pile.length ?? 0,
      end: game?.end ?? null,
      game: this.#games,
      moves: this.#moves,
    }
  }

  viewOf(name: string): View {
    const game = this.#game
    return {
      hand: this.#handOf(name),
      playable: game ? playable(game, name) : [],
      draw: game !== undefined && mayDraw(game, name),
      pass: game !== undefined && mayPass(game, name),
      moves: this.#moves,
    }
  }

  #do(name: string, action: Action): Told | Refusal {
    if (action.move === 'sit') return this.#sit(name)
    if (!this.#seats.includes(name)) return { error: 'You are only watching: take a seat first.' }
    if (action.move === 'leave') return this.#leave(name)
    return action.move === 'deal' ? this.#deal() : this.#play(name, action)
  }

  #sit(name: string): Told | Refusal {
    if (this.#seats.includes(name)) return { error: 'You have a seat already.' }
    if (this.#isOn) return { error: 'A game is on: wait until it is over.' }
    if (this.#seats.length === most) return { error: 'All seats are taken.' }
    this.#seats = [...this.#seats, name]
    return { move: 'sit' }
  }

  #leave(name: string): Told {
    const wasOn = this.#isOn
    this.#seats = this.#seats.filter((one) => one !== name)
    this.#game = this.#game && this.#seats.length > 0 ? leave(this.#game, name) : undefined
    return { move: 'leave', ...(wasOn && outcome(this.#game)) }
  }

  #deal(): Told | Refusal {
    if (this.#isOn) return { error: 'A game is on already.' }
    if (this.#seats.length < fewest) return { error: 'It takes two to play.' }
    // Somebody else begins each time.
    const first = this.#games % this.#seats.length
    this.#game = deal([...this.#seats.slice(first), ...this.#seats.slice(0, first)], this.#random)
    this.#games += 1
    return { move: 'deal', ...outcome(this.#game) }
  }

  #play(name: string, move: Move): Told | Refusal {
    if (!this.#game) return { error: 'No game is on: deal first.' }
    const game = play(this.#game, name, move, this.#random)
    if (isRefusal(game)) return game
    this.#game = game
    const shown = move.move === 'play' ? { card: move.card, ...(move.card.startsWith('8') && { suit: game.suit }) } : {}
    return { move: move.move, ...shown, cards: this.#handOf(name).length, ...outcome(game) }
  }

  get #isOn(): boolean {
    return this.#game !== undefined && !this.#game.end
  }

  #handOf(name: string): readonly Card[] {
    return this.#game?.players.find((player) => player.name === name)?.hand ?? []
  }

  #keep(user: string, payload: Told, messageId: string | undefined): void {
    this.#moves += 1
    const datetime = new Date().toISOString()
    const entry: Entry = ['PUBLISH', { user, payload, datetime, ...(messageId && { message_id: messageId }) }]
    this.#history = [...this.#history, entry].slice(-historySize)
  }
}

const turnOf = (game: Game | undefined) => (game && !game.end ? game.players[game.turn]?.name : undefined)

/** What comes after a move: whose turn it is, or that it was the last. */
function outcome(game: Game | undefined): Pick<Told, 'turn' | 'end'> {
  const turn = turnOf(game)
  return { ...(turn && { turn }), ...(game?.end && { end: game.end }) }
}
