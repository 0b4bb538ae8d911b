/** What has been said, who came and who left. Text only ever enters the page through `textContent`. */
export class Log {
  #box
  #me
  #lines
  #waiting
  #hint
  /** @type {import('../database.ts').Entry[]} */
  #entries = []

  constructor(box, me) {
    this.#box = box
    this.#me = me
    this.#lines = box.querySelector('#lines')
    this.#waiting = box.querySelector('#waiting')
    this.#hint = box.querySelector('.hint')
  }

  /** A new entry. A message that is here already is the hub or the page having tried twice. */
  add(entry) {
    const [, { message_id }] = entry
    if (message_id) this.settle(message_id)
    if (this.#has(message_id)) return
    const atEnd = this.#isAtEnd()
    this.#entries.push(entry)
    this.#draw(entry)
    if (atEnd || entry[1].user === this.#me) this.#goToEnd()
  }

  /** The history as it is now. What was shown before it begins stays. */
  merge(history) {
    const atEnd = this.#isAtEnd()
    const ids = new Set(history.map(([, { message_id }]) => message_id))
    const begins = Date.parse(history[0]?.[1].datetime)
    const older = this.#entries.filter(([, { message_id, datetime }]) => {
      return Date.parse(datetime) < begins && !(message_id && ids.has(message_id))
    })
    this.#entries = [...older, ...history]
    this.#lines.replaceChildren()
    for (const entry of this.#entries) this.#draw(entry)
    for (const id of ids) this.settle(id)
    this.#hint.hidden = this.#lines.querySelector('.message') !== null
    if (atEnd) this.#goToEnd()
  }

  /** A message of one's own that is on its way. */
  wait(id, text) {
    this.#waiting.append(bubble({ user: this.#me, payload: { text }, message_id: id }, true))
    this.#goToEnd()
  }

  /** It is no longer on its way. */
  settle(id) {
    for (const line of this.#waiting.children) if (line.dataset.messageId === id) line.remove()
  }

  #has(id) {
    return id !== undefined && this.#entries.some(([, { message_id }]) => message_id === id)
  }

  #draw([kind, details]) {
    if (kind === 'PUBLISH') {
      this.#hint.hidden = true
      const line = bubble(details, details.user === this.#me)
      const before = this.#lines.lastElementChild
      line.classList.toggle('again', before?.matches('.message') && before.dataset.user === line.dataset.user)
      this.#lines.append(line)
    } else this.#drawMove(kind, details)
  }

  /** Someone who left and came back with nothing said between is no news: a reload, a hub that was restarted. */
  #drawMove(kind, { user, datetime }) {
    const lines = [...this.#lines.children]
    const last = lines.findLast((line) => line.matches('.move') && line.dataset.user === user)
    if (last?.dataset.kind === kind) return
    const saidSince = lines.slice(lines.indexOf(last)).some((line) => line.matches('.message'))
    if (last && kind === 'SUBSCRIBE' && !saidSince) last.remove()
    else this.#lines.append(move(kind, user, datetime))
  }

  #isAtEnd() {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < 80
  }

  #goToEnd() {
    this.#box.scrollTop = this.#box.scrollHeight
  }
}

function element(name, className, text) {
  const made = document.createElement(name)
  made.className = className
  made.textContent = text
  return made
}

/** Who, what, when. */
function bubble({ user, payload, datetime, message_id }, mine) {
  const line = element('div', 'message', '')
  line.dataset.user = user ?? ''
  if (message_id) line.dataset.messageId = message_id
  line.classList.toggle('mine', mine)
  line.append(
    element('b', 'who', user ?? 'the application'),
    element('p', 'what', typeof payload?.text === 'string' ? payload.text : JSON.stringify(payload)),
    datetime ? time(datetime) : element('span', 'when', 'sending…'),
  )
  return line
}

function move(kind, user, datetime) {
  const line = element('p', 'move', `${user} ${kind === 'SUBSCRIBE' ? 'joined' : 'left'} `)
  line.dataset.user = user
  line.dataset.kind = kind
  if (datetime) line.append(time(datetime))
  return line
}

function time(datetime) {
  const when = new Date(datetime)
  const today = when.toDateString() === new Date().toDateString()
  const options = { hour: '2-digit', minute: '2-digit', ...(!today && { day: 'numeric', month: 'short' }) }
  const made = element('time', 'when', when.toLocaleString(undefined, options))
  made.dateTime = datetime
  return made
}
