/* global hookbox */
import { Log } from './log.js'

const find = (selector) => document.querySelector(selector)
const me = document.body.dataset.user
const statusLine = find('[data-status]')
const people = find('#people')
const composer = find('#composer')
const message = find('#message')
const refusal = composer.querySelector('[role=alert]')
const log = new Log(find('[role=log]'), me)

const statusTexts = {
  connecting: 'Connecting…',
  connected: 'Connected',
  waiting: 'Reconnecting…',
  offline: 'You are offline',
  closed: 'Disconnected',
}

function showStatus(status) {
  statusLine.dataset.status = status
  statusLine.textContent = statusTexts[status]
}

/** A person's colour: the same for everybody who looks. */
function hueOf(name) {
  let sum = 0
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 360
  return sum
}

function showPeople(names) {
  people.replaceChildren(
    ...names.map((name) => {
      const person = document.createElement('li')
      person.dataset.user = name
      person.dataset.initial = [...name][0].toUpperCase()
      person.style.setProperty('--hue', hueOf(name))
      person.textContent = name
      if (name === me) person.classList.add('me')
      return person
    }),
  )
}

function join() {
  const connection = hookbox.connect(find('[name=hookbox-hub]').content)
  showStatus(connection.status)
  connection.on('status', () => showStatus(connection.status))
  connection.on('close', ({ comesBack }) => {
    if (!comesBack) showGoodbye()
  })

  // Whoever signs out is gone at once; whoever just closes the page might be reloading it.
  find('[action="/sign-out"]').addEventListener('submit', () => connection.disconnect())

  const room = connection.subscribe('chat')
  room.on('presence', showPeople)
  room.on('publish', (entry) => log.add(['PUBLISH', entry]))
  room.on('subscribe', (entry) => log.add(['SUBSCRIBE', entry]))
  room.on('unsubscribe', (entry) => log.add(['UNSUBSCRIBE', entry]))
  room.on('subscribed', ({ recovered }) => {
    showPeople(room.presence)
    // A new hub has its history from the database: what was said meanwhile is in it, and what is shown already too.
    if (!recovered) log.merge(room.history)
  })
  room.on('error', (error) => {
    refusal.textContent = error.message
  })

  composer.addEventListener('submit', (event) => {
    event.preventDefault()
    const text = message.value
    if (text.trim()) say(room, text)
  })
}

/** The message waits at the end of the log until the application has said yes; if it says no, it goes back to where it was written. */
async function say(room, text) {
  const id = randomId()
  refusal.textContent = ''
  message.value = ''
  log.wait(id, text.trim())
  try {
    await room.publish({ text }, { id })
  } catch (error) {
    refusal.textContent = error.message
    message.value ||= text
  } finally {
    log.settle(id)
    message.focus()
  }
}

const randomId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('')

function showGoodbye() {
  const again = document.createElement('a')
  again.href = '/'
  again.textContent = 'Sign in again'
  refusal.replaceChildren('You are no longer signed in. ', again)
}

message.addEventListener('keydown', (event) => {
  // While an input method composes a word, Enter belongs to it.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  composer.requestSubmit()
})
message.addEventListener('input', () => {
  refusal.textContent = ''
})

if (globalThis.hookbox) join()
else {
  statusLine.dataset.status = 'waiting'
  statusLine.textContent = 'The hub does not answer'
  setTimeout(() => location.reload(), 3000)
}
