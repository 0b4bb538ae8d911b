import { cardName, suitName, suitOf, suitShape } from './card-face.js'

const words = {
  sit: () => ['takes a seat'],
  leave: () => ['leaves the table'],
  deal: () => ['deals'],
  draw: () => ['draws a card'],
  pass: () => ['passes'],
  play: ({ card, suit, cards }) => [
    `plays the ${cardName(card).replace(/\w+$/, '')}`,
    withShape(suitOf(card)),
    ...(suit ? [' and asks for ', withShape(suit)] : []),
    ...(cards === 1 ? [', one card left'] : []),
  ],
}

/** A suit by name and shape, which stay together. */
function withShape(suit) {
  const made = document.createElement('span')
  made.append(`${suitName(suit)} `, suitShape(suit))
  return made
}

/** What has happened at the table, as the channel's history has it. */
export class Log {
  #box
  #shown = []

  constructor(box) {
    this.#box = box
  }

  /** Only what is new is added, so that it alone is read aloud. */
  show(history) {
    const entries = history.filter(([kind]) => kind === 'PUBLISH').map(([, entry]) => entry)
    const keys = entries.map(({ user, datetime, payload }) => `${datetime} ${user} ${payload.move}`)
    const isContinued = keys.slice(0, this.#shown.length).every((key) => this.#shown.includes(key))
    if (!isContinued) this.#box.replaceChildren()
    const known = isContinued ? this.#shown : []
    entries.forEach((entry, place) => {
      if (!known.includes(keys[place])) this.#box.append(...lines(entry))
    })
    this.#shown = keys
    this.#box.scrollTop = this.#box.scrollHeight
  }
}

function lines({ user, payload }) {
  const made = [line(user, words[payload.move]?.(payload) ?? [], payload.move)]
  const { winners } = payload.end ?? {}
  if (winners) made.push(line(winners.join(' and '), [winners.length > 1 ? 'win' : 'wins'], 'end'))
  return made
}

function line(who, what, move) {
  const made = document.createElement('p')
  made.dataset.move = move
  const name = document.createElement('b')
  name.textContent = who
  made.append(name, ' ', ...what)
  return made
}
