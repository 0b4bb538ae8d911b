import { type Connection, connect } from '@hookbox/client'

/** Shows what it hears; the hub's address is in the page's own. */
const conn: Connection = connect(new URLSearchParams(location.search).get('hub') ?? '')
const chat = conn.subscribe<string>('chat')
chat.on('publish', ({ payload }) => {
  document.body.append(Object.assign(document.createElement('p'), { textContent: payload.toUpperCase() }))
})
document.body.onclick = () => chat.publish('hello')
chat.on('subscribed', () => {
  document.title = 'subscribed'
})
