/* global hookbox */
import { drawGraph } from './graph-canvas.js'

const find = (selector) => document.querySelector(selector)
const statusLine = find('[data-status]')
const watching = find('[data-watching]')
const refusal = find('[role=alert]')
const values = { cpu: find('[data-value=cpu]'), memory: find('[data-value=memory]') }
const graph = drawGraph(find('canvas'))

const statusTexts = {
  connecting: 'Connecting…',
  connected: 'Live',
  waiting: 'Reconnecting…',
  offline: 'You are offline',
  closed: 'Disconnected',
}

function showStatus(status) {
  statusLine.dataset.status = status
  statusLine.textContent = statusTexts[status]
}

function showValues(load) {
  if (!load) return
  for (const [name, place] of Object.entries(values)) place.textContent = Math.round(load[name])
}

function showWatching(users) {
  watching.textContent = users.length > 1 ? `${users.length} are watching.` : ''
}

function watch() {
  const connection = hookbox.connect(find('[name=hookbox-hub]').content)
  showStatus(connection.status)
  connection.on('status', () => showStatus(connection.status))

  const channel = connection.subscribe('load')
  channel.on('subscribed', ({ recovered }) => {
    showWatching(channel.presence)
    if (recovered) return
    const loads = channel.history.filter(([kind]) => kind === 'PUBLISH').map(([, { payload }]) => payload)
    graph.start(loads)
    showValues(loads.at(-1))
  })
  channel.on('publish', ({ payload }) => {
    graph.add(payload)
    showValues(payload)
  })
  channel.on('presence', showWatching)

  find('button').addEventListener('click', async () => {
    refusal.textContent = ''
    try {
      await channel.publish({ cpu: 100, memory: 100 })
    } catch (error) {
      refusal.textContent = error.message
    }
  })
}

if (globalThis.hookbox) watch()
else {
  statusLine.dataset.status = 'waiting'
  statusLine.textContent = 'The hub does not answer'
  setTimeout(() => location.reload(), 3000)
}
