import { capital, cardFace, cardName, sorted } from './card-face.js'
import { arrive } from './motion.js'

/** Of a card under another one, this much has to be seen of its corner. In pixels. */
const narrowest = 26
/** Cards at the ends are turned, and reach out to the sides. */
const margin = 28

/** The own cards, fanned. */
export class Hand {
  #list
  #cards = []
  #playable = []

  /** `choose` is called with a card and its button. */
  constructor(list, choose) {
    this.#list = list
    list.addEventListener('click', ({ target }) => {
      const button = target.closest('button')
      if (button) choose(button.dataset.card, button)
    })
    list.addEventListener('keydown', (event) => this.#walk(event))
    new ResizeObserver(() => this.#fan()).observe(list)
  }

  /** New cards come from where the deck is. */
  show({ hand, playable }, deck) {
    const before = new Map(this.#items().map((item) => [item.dataset.card, item]))
    const places = new Map([...before].map(([card, item]) => [card, item.getBoundingClientRect()]))
    const focused = this.#items().findIndex((item) => item.contains(document.activeElement))
    this.#cards = sorted(hand)
    this.#playable = playable
    this.#list.replaceChildren(...this.#cards.map((card) => before.get(card) ?? item(card)))
    for (const button of this.#buttons()) this.#mark(button)
    this.#fan()
    // The card that had the focus has been played: the next one takes it over.
    const lostFocus = focused >= 0 && !this.#list.contains(document.activeElement)
    if (lostFocus)
      this.#buttons()
        .at(Math.min(focused, this.#cards.length - 1))
        ?.focus()
    let news = 0
    for (const item of this.#items()) {
      const place = places.get(item.dataset.card)
      if (place) arrive(item, place, { duration: 300 })
      else arrive(item, deck, { delay: 70 * news++ })
    }
  }

  #items() {
    return [...this.#list.children]
  }

  #buttons() {
    return [...this.#list.querySelectorAll('button')]
  }

  #mark(button) {
    const fits = this.#playable.includes(button.dataset.card)
    button.toggleAttribute('data-playable', fits)
    if (fits) button.setAttribute('aria-description', 'fits')
    else button.removeAttribute('aria-description')
  }

  #fan() {
    const items = this.#items()
    if (items.length === 0) return
    const width = this.#list.clientWidth - margin
    const card = items[0].querySelector('button').offsetWidth
    const fitting = Math.max(1, Math.floor((width - card) / narrowest) + 1)
    const rows = Math.ceil(items.length / fitting)
    const inRow = Math.ceil(items.length / rows)
    const strip = Math.min(card * 0.62, (width - card) / Math.max(1, inRow - 1))
    this.#list.style.setProperty('--strip', `${strip}px`)
    this.#list.style.setProperty('--columns', Math.min(inRow, items.length))
    items.forEach((item, place) => {
      const count = Math.min(inRow, items.length - Math.floor(place / inRow) * inRow)
      const half = (count - 1) / 2
      const off = (place % inRow) - half
      item.style.setProperty('--angle', `${off * Math.min(3, 18 / count)}deg`)
      item.style.setProperty('--drop', `${half ? (off / half) ** 2 * Math.min(16, 2.5 * half) : 0}px`)
    })
  }

  /** The arrow keys go from card to card, as the eye does. */
  #walk(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (!step) return
    const buttons = this.#buttons()
    buttons[buttons.indexOf(document.activeElement) + step]?.focus()
    event.preventDefault()
  }
}

function item(card) {
  const made = document.createElement('li')
  made.dataset.card = card
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'card'
  button.dataset.card = card
  button.setAttribute('aria-label', capital(cardName(card)))
  button.append(cardFace(card))
  made.append(button)
  return made
}
