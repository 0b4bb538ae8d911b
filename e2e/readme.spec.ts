import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { freePort, startHubProcess } from '@hookbox/testkit'
import express from 'express'
import { expect, test } from './fixtures.ts'

test('the page and the application of the README work together as they stand there', async ({
  servePage,
  openPage,
}) => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const server = createServer()
  const port = await startReadmeApplication(firstBlock(readme, 'js'), server)
  const hubPort = await freePort()
  await using hub = await startHubProcess(['--cbhost', '127.0.0.1', '--cbport', `${port}`, '--cbpath', '/hookbox'], {
    port: hubPort,
  })
  const html = firstBlock(readme, 'html').replaceAll('http://localhost:8001', hub.url)
  const url = await servePage(`<!doctype html><title>README</title><body>${html}`)

  const stranger = await openPage(url)
  await expect(stranger.evaluate('chat.ready')).rejects.toThrow('sign in first')

  const [ann, bob] = [await openPage(url), await openPage(url)]
  for (const [page, user] of [
    [ann, 'ann'],
    [bob, 'bob'],
  ] as const) {
    await page.context().addCookies([{ name: 'user', value: user, url: hub.url }])
    await page.reload()
    await page.evaluate('chat.ready.then(() => {})')
  }
  await ann.getByLabel('Message').pressSequentially('hello')
  await ann.getByLabel('Message').press('Enter')
  await expect(bob.getByText('ann: hello')).toBeVisible()

  const refused = ann.waitForEvent('dialog')
  await ann.getByLabel('Message').fill('')
  await ann.getByLabel('Message').pressSequentially('buy spam')
  void ann.getByLabel('Message').press('Enter')
  const dialog = await refused
  expect(dialog.message()).toBe('no spam')
  await dialog.accept()

  await bob.reload()
  await expect(bob.getByText('ann: hello')).toBeVisible()
  await expect(bob.getByText('spam')).toHaveCount(0)
  server.closeAllConnections()
  server.close()
})

/** Runs the application as it stands, but on a port that is free. */
async function startReadmeApplication(source: string, server: Server): Promise<number> {
  const own = Object.assign(() => Object.assign(express(), { listen() {} }), { urlencoded: express.urlencoded })
  const application = new Function('express', `${source.replace(/^import .*$/m, '')}; return app`)(
    own,
  ) as RequestListener
  server.on('request', application)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function firstBlock(markdown: string, language: string): string {
  const [, block] = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'm').exec(markdown) ?? []
  if (block === undefined) throw new Error(`the README has no block of ${language}`)
  return block
}
