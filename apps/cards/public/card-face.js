const svgSpace = 'http://www.w3.org/2000/svg'
const rankNames = { A: 'ace', J: 'jack', Q: 'queen', K: 'king' }
const suitNames = { S: 'spades', H: 'hearts', D: 'diamonds', C: 'clubs' }
const suitOrder = 'SHCD'
const rankOrder = ['A', '2', '3', '4', '5', '6', '7', '8', '9', '10', 'J', 'Q', 'K']

export const rankOf = (card) => card.slice(0, -1)
export const suitOf = (card) => card.slice(-1)
export const suitName = (suit) => suitNames[suit]

/** As it is said: “queen of hearts”. */
export const cardName = (card) => `${rankNames[rankOf(card)] ?? rankOf(card)} of ${suitNames[suitOf(card)]}`

export const capital = (text) => text[0].toUpperCase() + text.slice(1)

/** As one holds them: by suit, black and red in turn, and by rank. */
export function sorted(hand) {
  const place = (card) => suitOrder.indexOf(suitOf(card)) * rankOrder.length + rankOrder.indexOf(rankOf(card))
  return [...hand].sort((a, b) => place(a) - place(b))
}

const [left, right, middle] = [33, 67, 50]
const corners = [34, 106].flatMap((y) => [
  [left, y],
  [right, y],
])
const sides = [
  [left, 70],
  [right, 70],
]
const fours = [34, 58, 82, 106].flatMap((y) => [
  [left, y],
  [right, y],
])

/** Where the shapes of a number card stand, on a card of 100 by 140. */
const pips = {
  2: [34, 106].map((y) => [middle, y]),
  3: [34, 70, 106].map((y) => [middle, y]),
  4: corners,
  5: [...corners, [middle, 70]],
  6: [...corners, ...sides],
  7: [...corners, ...sides, [middle, 52]],
  8: [...corners, ...sides, [middle, 52], [middle, 88]],
  9: [...fours, [middle, 70]],
  10: [...fours, [middle, 46], [middle, 94]],
}

function shape(name, attributes) {
  const made = document.createElementNS(svgSpace, name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  return made
}

/** A shape of the sprite around a point, upside down in the lower half as on any card. */
function use(id, x, y, width, height = width) {
  const made = shape('use', { href: `#${id}`, x: x - width / 2, y: y - height / 2, width, height })
  if (y > 70) made.setAttribute('transform', `rotate(180 ${x} ${y})`)
  return made
}

function text(content, x, y, size) {
  const made = shape('text', { x, y, 'font-size': size, 'text-anchor': 'middle' })
  made.textContent = content
  return made
}

/** Rank and suit in the corner, seen from either end. */
function index(card, turned) {
  const group = shape('g', turned ? { transform: 'rotate(180 50 70)' } : {})
  const rank = text(rankOf(card), 12, 21, 20)
  if (rankOf(card) === '10') {
    rank.setAttribute('textLength', 18)
    rank.setAttribute('lengthAdjust', 'spacingAndGlyphs')
  }
  group.append(rank, use(`suit-${suitOf(card)}`, 12, 32, 13))
  return group
}

function court(rank, suit) {
  const group = shape('g', {})
  group.append(
    shape('rect', { class: 'frame', x: 23, y: 15, width: 54, height: 110, rx: 5 }),
    shape('path', { class: 'frame', d: 'M23 92 77 48' }),
    text(rank, middle, 85, 44),
  )
  for (const y of [33, 107]) group.append(use(`crown-${rank}`, middle, y, 34, 17))
  group.append(use(`suit-${suit}`, 32, 52, 11), use(`suit-${suit}`, 68, 88, 11))
  return group
}

/** The front of a card. It says nothing by itself: whoever shows it gives it a name. */
export function cardFace(card) {
  const [rank, suit] = [rankOf(card), suitOf(card)]
  const face = shape('svg', { class: 'face', viewBox: '0 0 100 140', 'aria-hidden': true })
  face.dataset.suit = suit
  face.append(index(card, false), index(card, true))
  if (rank === 'A') face.append(use(`suit-${suit}`, middle, 70, 46))
  else if (pips[rank]) face.append(...pips[rank].map(([x, y]) => use(`suit-${suit}`, x, y, 19)))
  else face.append(court(rank, suit))
  return face
}

/** The shape of a suit, for a line of text. */
export function suitShape(suit) {
  const made = shape('svg', { class: 'suit', 'aria-hidden': true })
  made.dataset.suit = suit
  made.append(shape('use', { href: `#suit-${suit}` }))
  return made
}
