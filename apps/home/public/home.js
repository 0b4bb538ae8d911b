/* global hookbox */
const find = (selector) => document.querySelector(selector)
const points = 30
const step = 10

const statusTexts = {
  connecting: 'Connecting…',
  connected: 'The hub is up',
  waiting: 'Reconnecting…',
  offline: 'You are offline',
  closed: 'Disconnected',
}

function showStatus(status, text = statusTexts[status]) {
  find('[data-status]').dataset.status = status
  find('[data-status]').textContent = text
}

/** The newest point is at the right edge, however many there are; the number above has a third of the height for itself. */
function drawCurve(loads) {
  const right = (points - 1) * step
  const at = ({ cpu }, index) => `${right - (loads.length - 1 - index) * step} ${97 - cpu * 0.62}`
  const line = loads.length > 1 ? `M${loads.map(at).join('L')}` : ''
  find('.graph .line').setAttribute('d', line)
  find('.graph .area').setAttribute('d', line && `${line}V100H${right - (loads.length - 1) * step}Z`)
  const last = loads.at(-1)
  if (last) find('[data-value=cpu]').textContent = `${Math.round(last.cpu)} %`
}

function watch() {
  const connection = hookbox.connect(find('[name=hookbox-hub]').content)
  showStatus(connection.status)
  connection.on('status', () => showStatus(connection.status))

  const channel = connection.subscribe('load')
  const draw = () => drawCurve(channel.history.filter(([kind]) => kind === 'PUBLISH').map(([, { payload }]) => payload))
  channel.on('subscribed', draw)
  channel.on('publish', draw)
}

if (globalThis.hookbox) watch()
else {
  showStatus('waiting', 'The hub does not answer')
  setTimeout(() => location.reload(), 5000)
}

const copy = find('[data-copy]')
copy.addEventListener('click', async () => {
  const code = find(copy.dataset.copy)
  try {
    await navigator.clipboard.writeText(code.textContent)
    copy.textContent = 'Copied'
  } catch {
    // Without leave to write to the clipboard, selecting it is the next best.
    getSelection()?.selectAllChildren(code)
    copy.textContent = 'Selected'
  }
  setTimeout(() => {
    copy.textContent = 'Copy'
  }, 1600)
})
