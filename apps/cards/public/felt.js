import { cardFace, cardName, suitName } from './card-face.js'
import { arrive, fly } from './motion.js'

/** How many cards of the pile are shown below the one on top. */
const visible = 4
/** How many backs stand for the hand of somebody else. */
const backs = 7

/** What everybody sees: seats, deck, pile, and whose turn it is. Drawn from the channel's state and from nothing else. */
export class Felt {
  #felt
  #me
  #seats
  #deck
  #pile
  #suit
  #turn
  #state

  constructor(felt, me) {
    this.#felt = felt
    this.#me = me
    this.#seats = felt.querySelector('#seats')
    this.#deck = felt.querySelector('#deck')
    this.#pile = felt.querySelector('#pile')
    this.#suit = felt.querySelector('#suit')
    this.#turn = felt.querySelector('#turn')
  }

  /** Where cards are drawn from, for whoever lets one come from there. */
  get deckPlace() {
    return this.#deck.querySelector('.back').getBoundingClientRect()
  }

  /** `from` is where the own card was that has just been played. */
  show(state, presence, from) {
    const before = this.#state
    this.#state = state
    const { phase, turn, game, moves } = state
    const isMine = turn === this.#me
    this.#felt.dataset.phase = phase
    this.#felt.dataset.game = game
    this.#felt.dataset.turn = turn ?? ''
    this.#felt.classList.toggle('my-turn', isMine)
    this.#drawSeats(presence)
    this.#drawPile(before, from)
    this.#drawDeck()
    this.#turn.textContent = this.#headline()
    this.#flyDrawn(before)
    document.title = isMine ? 'Your turn · Hookbox cards' : 'Hookbox cards'
    // Last: whoever waits for it finds everything else done.
    this.#felt.dataset.moves = moves
  }

  #headline() {
    const { phase, seats, turn, end } = this.#state
    const isSeated = seats.some(({ name }) => name === this.#me)
    if (phase === 'playing') return turn === this.#me ? 'Your turn' : `${turn}’s turn`
    if (phase === 'over') return this.#ending(end)
    if (!isSeated) return seats.length < 4 ? 'A table for two to four' : 'All seats are taken'
    return seats.length < 2 ? 'Waiting for somebody to sit down' : 'Deal when everybody is here'
  }

  #ending({ winners, reason }) {
    const names = winners.map((name) => (name === this.#me ? 'You' : name))
    const who = names.join(' and ')
    const win = winners.length > 1 || names[0] === 'You' ? 'win' : 'wins'
    if (reason === 'blocked') return `Nobody can go on: ${who} ${win} with the fewest cards`
    if (reason === 'alone') return `${who} ${win}, as everybody else has left`
    return `${who} ${win}!`
  }

  /** The others, in the order in which they play after oneself. */
  #drawSeats(presence) {
    const { seats, phase } = this.#state
    const own = seats.findIndex(({ name }) => name === this.#me)
    const others = [...seats.slice(own + 1), ...seats.slice(0, Math.max(own, 0))]
    const free = phase === 'playing' ? 0 : 4 - seats.length
    this.#seats.replaceChildren(
      ...others.map((seat) => this.#seat(seat, presence.includes(seat.name))),
      ...Array.from({ length: free }, emptySeat),
    )
  }

  #seat({ name, cards }, isHere) {
    const { phase, turn, end } = this.#state
    const seat = element('li', 'seat')
    seat.dataset.name = name
    seat.dataset.cards = cards
    seat.classList.toggle('on-turn', name === turn)
    seat.classList.toggle('winner', end?.winners.includes(name) ?? false)
    seat.classList.toggle('away', !isHere)
    const avatar = element('span', 'avatar', [...name][0].toUpperCase())
    avatar.style.setProperty('--hue', hueOf(name))
    avatar.setAttribute('aria-hidden', 'true')
    const fan = element('span', 'fan')
    fan.setAttribute('aria-hidden', 'true')
    fan.append(...Array.from({ length: Math.min(cards, backs) }, () => element('span', 'back')))
    const count = cards === 1 ? '1 card' : `${cards} cards`
    const words = [phase === 'waiting' ? 'seated' : count, name === turn && 'on turn', !isHere && 'away']
    const about = element('span', 'about', words.filter(Boolean).join(', '))
    seat.append(avatar, element('b', 'name', name), about, fan)
    return seat
  }

  #drawPile(before, from) {
    const { top, game, pile, suit } = this.#state
    if (before?.game !== game || !top) this.#pile.replaceChildren()
    const isNew = top && this.#pile.lastElementChild?.dataset.card !== top
    if (isNew) {
      const card = element('span', 'card')
      card.dataset.card = top
      card.style.setProperty('--lie', `${((pile * 37) % 19) - 9}deg`)
      card.append(cardFace(top))
      this.#pile.append(card)
      if (before?.game === game) arrive(card, this.#played(before) ?? from)
      else arrive(card, this.deckPlace)
      while (this.#pile.children.length > visible) this.#pile.firstElementChild.remove()
    }
    this.#pile.dataset.top = top ?? ''
    this.#pile.setAttribute('aria-label', top ? `On top: ${cardName(top)}` : 'No card yet')
    this.#suit.hidden = !suit
    this.#suit.dataset.suit = suit ?? ''
    if (!suit) return
    this.#suit.querySelector('.suit').dataset.suit = suit
    this.#suit.querySelector('use').setAttribute('href', `#suit-${suit}`)
    this.#suit.querySelector('span').textContent = suitName(suit)
  }

  #drawDeck() {
    const { deck, phase } = this.#state
    this.#deck.dataset.cards = deck
    this.#deck.querySelector('.count').textContent = phase === 'waiting' ? '' : deck
    this.#deck.setAttribute('aria-label', `Draw a card, ${deck} in the deck`)
  }

  /** Whose hand has become smaller has played. */
  #played(before) {
    const name = this.#changed(before, (now, then) => now < then)
    return name && this.#seatOf(name)?.getBoundingClientRect()
  }

  /** Whose hand has become larger has drawn. */
  #flyDrawn(before) {
    if (!before || before.game !== this.#state.game) return
    const name = this.#changed(before, (now, then) => now > then)
    const fan = name && this.#seatOf(name)?.querySelector('.fan')
    if (fan) fly(this.deckPlace, fan.getBoundingClientRect())
  }

  #changed(before, how) {
    const counts = new Map(before.seats.map(({ name, cards }) => [name, cards]))
    return this.#state.seats.find(({ name, cards }) => counts.has(name) && how(cards, counts.get(name)))?.name
  }

  #seatOf(name) {
    return [...this.#seats.children].find((seat) => seat.dataset.name === name)
  }
}

/** A person's colour: the same for everybody who looks. */
function hueOf(name) {
  let sum = 0
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 360
  return sum
}

function element(name, className, text = '') {
  const made = document.createElement(name)
  made.className = className
  made.textContent = text
  return made
}

const emptySeat = () => element('li', 'seat empty', 'Empty seat')
