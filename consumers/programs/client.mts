import { type Connection, connect, HookboxError, type PublishResult, type Subscription } from '@hookbox/client'
import { HookboxError as SameError } from '@hookbox/protocol'
import WebSocket from 'ws'

/** Subscribes, publishes and hears itself. The hub's address is the argument. */
async function converse(url: string): Promise<void> {
  const conn: Connection = connect(url, { WebSocket })
  const chat: Subscription<{ text: string }> = conn.subscribe<{ text: string }>('chat')
  const heard = new Promise<string>((resolve) => {
    chat.on('publish', ({ payload }) => resolve(payload.text))
  })
  await chat.ready
  const { duplicate }: PublishResult = await chat.publish({ text: 'hello' })
  console.log(JSON.stringify({ heard: await heard, duplicate, sameError: HookboxError === SameError }))
  conn.disconnect()
}

void converse(process.argv[2] ?? '')

export const misuse = (chat: Subscription<{ text: string }>): unknown =>
  // @ts-expect-error The payload is checked: types that were lost would let it pass.
  chat.publish(7)
