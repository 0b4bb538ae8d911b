export const ranks = ['A', '2', '3', '4', '5', '6', '7', '8', '9', '10', 'J', 'Q', 'K'] as const
export const suits = ['S', 'H', 'D', 'C'] as const

export type Rank = (typeof ranks)[number]
export type Suit = (typeof suits)[number]

/** A card as it travels: its rank and its suit, such as `10H` or `QS`. */
export type Card = `${Rank}${Suit}`

/** Every card once, in order. */
export const pack: readonly Card[] = suits.flatMap((suit) => ranks.map((rank): Card => `${rank}${suit}`))

export const rankOf = (card: Card) => card.slice(0, -1) as Rank
export const suitOf = (card: Card) => card.slice(-1) as Suit

export const isCard = (value: unknown): value is Card => pack.some((card) => card === value)
export const isSuit = (value: unknown): value is Suit => suits.some((suit) => suit === value)

const rankNames: Partial<Record<Rank, string>> = { A: 'ace', J: 'jack', Q: 'queen', K: 'king' }
export const suitNames: Readonly<Record<Suit, string>> = { S: 'spades', H: 'hearts', D: 'diamonds', C: 'clubs' }

/** As it is said: “queen of hearts”. */
export function cardName(card: Card): string {
  const rank = rankOf(card)
  return `${rankNames[rank] ?? rank} of ${suitNames[suitOf(card)]}`
}

/** Gives a whole number from 0 up to, and without, `count`; every one of them is as likely. */
export type Random = (count: number) => number

/** The same cards in an order that only `random` knows. */
export function shuffled(cards: readonly Card[], random: Random): Card[] {
  const result: Card[] = []
  // Each card goes to a place chosen among all that there are by now, and whoever was there moves to the end.
  for (const card of cards) {
    const place = random(result.length + 1)
    result.push(result[place] ?? card)
    result[place] = card
  }
  return result
}

/** Always the same numbers for the same seed, so that a test knows who holds what. Not for a game that matters. */
export function seededRandom(seed: number): Random {
  const modulus = 2_147_483_647
  let state = (Math.abs(Math.trunc(seed)) % (modulus - 1)) + 1
  const next = () => {
    state = (state * 48_271) % modulus
    return state
  }
  // Small seeds begin with small numbers.
  for (let skipped = 0; skipped < 8; skipped += 1) next()
  return (count) => next() % count
}
