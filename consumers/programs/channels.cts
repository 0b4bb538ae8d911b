import { connect, type Subscription } from '@hookbox/client'

declare module '@hookbox/client' {
  interface ChannelMap {
    lobby: { payload: { text: string }; state: { topic: string } }
    [room: `room-${string}`]: { payload: number }
  }
}

export function talk(url: string): string | undefined {
  const conn = connect(url)
  const lobby = conn.subscribe('lobby')
  lobby.on('publish', ({ payload }) => payload.text.length)
  const other: Subscription = conn.subscribe('a channel that is not in the map')
  other.cancel()
  conn.publish('room-7', 7)
  // @ts-expect-error The map says what this channel carries: types that were lost would let it pass.
  conn.publish('lobby', 7)
  return lobby.state.topic
}
