import { connect } from '@hookbox/client'
import { createHookbox, type Hookbox, type HookboxOptions, refuse } from '@hookbox/server'

import WebSocket = require('ws')

/** A hub within a program, which refuses one text, with a page that is told so. */
async function converse(): Promise<void> {
  const options: HookboxOptions = { port: 0, linger: 1, logLevel: 'silent' }
  const hookbox: Hookbox = createHookbox({
    ...options,
    callbacks: {
      connect: () => ({ name: 'ann' }),
      create_channel: ({ channel_name }) => (channel_name === 'chat' ? { history_size: 5 } : refuse()),
      publish: ({ payload }) => (payload === '' ? refuse('say something') : undefined),
    },
  })
  const { url } = await hookbox.listen()
  const conn = connect(url, { WebSocket })
  const chat = conn.subscribe('chat')
  await chat.publish('hello')
  const refusal: unknown = await chat.publish('').catch((error: unknown) => error)
  console.log(JSON.stringify({ user: conn.user, refusal: refusal instanceof Error && refusal.message }))
  conn.disconnect()
  await hookbox.close()
}

void converse()

export const misuse = (): unknown =>
  // @ts-expect-error No option has this name: types that were lost would let it pass.
  createHookbox({ callbacks: { connect: () => ({ name: 'ann' }) }, prot: 0 })
