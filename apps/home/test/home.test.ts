import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createHomeApp } from '../app.ts'

test('the page leads to the demos and shows what makes a page real-time', async () => {
  const { app, close } = createHomeApp({
    chatUrl: (hostname) => `http://${hostname}:8010`,
    graphUrl: (hostname) => `http://${hostname}:8020`,
    cardsUrl: (hostname) => `http://${hostname}:8030`,
    hubUrl: (hostname) => `http://${hostname}:8002`,
  })
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const page = await response.text()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  close()

  expect(page).toContain('href="http://127.0.0.1:8010"')
  expect(page).toContain('href="http://127.0.0.1:8020"')
  expect(page).toContain('href="http://127.0.0.1:8030"')
  expect(page).toContain('&lt;script src=&quot;http://127.0.0.1:8002/static/hookbox.js&quot;&gt;&lt;/script&gt;')
})
