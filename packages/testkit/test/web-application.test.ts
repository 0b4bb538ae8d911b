import { expect, test } from 'vitest'
import { startWebApplication, type WebApplication } from '../src/index.ts'

function call(app: WebApplication, fields: Record<string, string>, headers: Record<string, string> = {}) {
  return fetch(`${app.url}/hookbox/${fields.action}`, { method: 'POST', headers, body: new URLSearchParams(fields) })
}

test('a call is answered from the table and recorded with fields, cookies and headers', async () => {
  await using app = await startWebApplication({ subscribe: [true, { initial_data: 7 }] })
  const fields = { action: 'subscribe', channel_name: 'chät', user: 'ann' }
  const response = await call(app, fields, { cookie: 'session=a=b; theme=dark', 'webhook-id': 'abc' })
  expect(await response.json()).toEqual([true, { initial_data: 7 }])
  expect(app.calls('subscribe')).toMatchObject([
    {
      action: 'subscribe',
      fields,
      cookies: { session: 'a=b', theme: 'dark' },
      headers: { 'webhook-id': 'abc' },
      method: 'POST',
      path: '/hookbox/subscribe',
      body: 'action=subscribe&channel_name=ch%C3%A4t&user=ann',
    },
  ])
  expect(app.calls('publish')).toEqual([])
})

test('what is not in the table is allowed, and connect names the user after the payload', async () => {
  await using app = await startWebApplication()
  const connect = (payload: unknown) =>
    call(app, { action: 'connect', payload: JSON.stringify(payload) }).then((response) => response.json())
  expect(await connect({ name: 'ann' })).toEqual([true, { name: 'ann' }])
  expect(await connect('bob')).toEqual([true, { name: 'bob' }])
  expect(await (await call(app, { action: 'publish' })).json()).toEqual([true, {}])
})

test('a reply may be a function, a raw answer, and change while running', async () => {
  await using app = await startWebApplication({ publish: async ({ payload }) => [true, { override_payload: payload }] })
  expect(await (await call(app, { action: 'publish', payload: '1' })).json()).toEqual([true, { override_payload: '1' }])
  app.reply('publish', { status: 500, headers: { 'set-cookie': ['a=1', 'b=2'] }, body: 'out of order' })
  const broken = await call(app, { action: 'publish' })
  expect(broken.status).toBe(500)
  expect(broken.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  expect(await broken.text()).toBe('out of order')
})

test('a polled URL is known by its path, its query as fields', async () => {
  await using app = await startWebApplication({ '/points': { body: '5' } })
  expect(await (await fetch(`${app.url}/points?since=3`)).text()).toBe('5')
  expect((await app.next('/points')).fields).toEqual({ since: '3' })
})

test('a call can be broken off or left hanging, and a hanging one does not keep the web application from stopping', async () => {
  let hanging: Promise<unknown>
  {
    await using app = await startWebApplication({ publish: 'hang', subscribe: 'close' })
    await expect(call(app, { action: 'subscribe' })).rejects.toThrow('fetch failed')
    hanging = call(app, { action: 'publish' }).catch((error: unknown) => error)
    await app.next('publish')
  }
  expect(await hanging).toBeInstanceOf(Error)
})

test('next gives each call once, also those that came before it was asked', async () => {
  await using app = await startWebApplication()
  for (const user of ['ann', 'bob']) await call(app, { action: 'subscribe', user })
  expect((await app.next('subscribe')).fields.user).toBe('ann')
  expect((await app.next('subscribe')).fields.user).toBe('bob')
  const third = app.next('subscribe')
  await call(app, { action: 'unsubscribe', user: 'ann' })
  await call(app, { action: 'subscribe', user: 'cyd' })
  expect((await third).fields.user).toBe('cyd')
})

test('without a record a call is answered, and nothing is kept of it', async () => {
  await using app = await startWebApplication({ subscribe: [true, { initial_data: 7 }] }, { record: false })
  const response = await call(app, { action: 'subscribe' })
  expect(await response.json()).toEqual([true, { initial_data: 7 }])
  expect(app.calls()).toEqual([])
})
