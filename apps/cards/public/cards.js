/* global hookbox */
import { rankOf } from './card-face.js'
import { Felt } from './felt.js'
import { Hand } from './hand.js'
import { Log } from './log.js'
import { shake } from './motion.js'

const find = (selector) => document.querySelector(selector)
const me = document.body.dataset.user
const statusLine = find('[data-status]')
const refusal = find('.felt [role=alert]')
const deck = find('#deck')
const chooser = find('#choose')
const watching = find('#watching')
const moveButtons = [...document.querySelectorAll('[data-move]')].filter((button) => button.matches('button'))
const felt = new Felt(find('.felt'), me)
const log = new Log(find('[role=log]'))

const statusTexts = {
  connecting: 'Connecting…',
  connected: 'Connected',
  waiting: 'Reconnecting…',
  offline: 'You are offline',
  closed: 'Disconnected',
}

function showStatus(status, text = statusTexts[status]) {
  statusLine.dataset.status = status
  statusLine.textContent = text
}

function join() {
  const connection = hookbox.connect(find('[name=hookbox-hub]').content)
  const table = connection.subscribe('table')
  const nothing = { hand: [], playable: [], draw: false, pass: false, moves: -1 }
  let view = nothing
  let playedFrom

  showStatus(connection.status)
  connection.on('status', () => showStatus(connection.status))
  connection.on('close', ({ comesBack }) => {
    if (!comesBack) showGoodbye()
  })

  // Whoever signs out is gone at once; whoever just closes the page might be reloading it.
  find('[action="/sign-out"]').addEventListener('submit', () => connection.disconnect())

  const hand = new Hand(find('#hand'), async (card, button) => {
    const suit = rankOf(card) === '8' && button.hasAttribute('data-playable') ? await chooseSuit() : undefined
    if (suit === '') return
    playedFrom = button.getBoundingClientRect()
    await act({ move: 'play', card, ...(suit && { suit }) }, button)
  })

  /** Whatever the application says no to, it says why. */
  async function act(action, button) {
    refusal.textContent = ''
    button?.setAttribute('aria-busy', 'true')
    try {
      await table.publish(action)
    } catch (error) {
      refusal.textContent = error.message
      if (button) shake(button)
    } finally {
      button?.removeAttribute('aria-busy')
    }
  }

  function showTable() {
    const { state, presence } = table
    if (!state.phase) return
    felt.show(state, presence, playedFrom)
    const seats = state.seats.map(({ name }) => name)
    const watchers = presence.filter((name) => !seats.includes(name))
    watching.textContent = watchers.length > 0 ? `Watching: ${watchers.join(', ')}` : ''
    if (!seats.includes(me)) showView({ ...nothing, moves: state.moves })
    showButtons()
  }

  /** What is newer counts: the answer to a look may come after the next private message. */
  function showView(next) {
    if (next.moves < view.moves) return
    view = next
    hand.show(view, felt.deckPlace)
    showButtons()
  }

  function showButtons() {
    const { phase, seats = [] } = table.state
    const isSeated = seats.some(({ name }) => name === me)
    const isOn = phase === 'playing'
    const offered = {
      sit: !isSeated && !isOn && seats.length < 4,
      deal: isSeated && !isOn && seats.length > 1,
      pass: view.pass,
      leave: isSeated,
    }
    for (const button of moveButtons) button.hidden = !offered[button.dataset.move]
    deck.classList.toggle('offered', view.draw)
  }

  // A hand is nobody else's business: it comes by private message, from the application and from nobody else.
  connection.on('message', ({ sender, payload }) => {
    if (sender === 'Dealer') showView(payload)
  })
  table.on('publish', ({ offset, payload }) => {
    // Without a number it is for this page alone: the answer to a look.
    if (offset === undefined) showView(payload)
    else {
      refusal.textContent = ''
      log.show(table.history)
    }
  })
  table.on('state', showTable)
  table.on('presence', showTable)
  table.on('subscribed', () => {
    view = nothing
    log.show(table.history)
    showTable()
    act({ move: 'look' })
  })
  table.on('error', (error) => {
    refusal.textContent = error.message
  })

  deck.addEventListener('click', () => act({ move: 'draw' }, deck))
  for (const button of moveButtons) button.addEventListener('click', () => act({ move: button.dataset.move }, button))
}

/** The suit that goes on after an eight; nothing when it is kept after all. */
function chooseSuit() {
  chooser.returnValue = ''
  chooser.showModal()
  return new Promise((resolve) => {
    chooser.addEventListener('close', () => resolve(chooser.returnValue), { once: true })
  })
}

function showGoodbye() {
  const again = document.createElement('a')
  again.href = '/'
  again.textContent = 'Sign in again'
  refusal.replaceChildren('You are no longer signed in. ', again)
}

find('#show-rules').addEventListener('click', () => find('#rules').showModal())

if (globalThis.hookbox) join()
else {
  showStatus('waiting', 'The hub does not answer')
  setTimeout(() => location.reload(), 3000)
}
