import { startHubProcess } from '@hookbox/testkit'
import { expect, test } from './fixtures.ts'

test('a plain page on another port needs the script and nothing else', async ({ servePage, openPage }) => {
  await using hub = await startHubProcess(['--open'])
  const url = await servePage(`<!doctype html>
    <title>Plain</title>
    <ul id="heard"></ul>
    <button>Say hello</button>
    <script src="${hub.url}/static/hookbox.js"></script>
    <script>
      const chat = hookbox.connect('${hub.url}').subscribe('chat')
      chat.on('publish', ({ user, payload }) => {
        heard.append(Object.assign(document.createElement('li'), { textContent: user + ': ' + payload }))
      })
      document.querySelector('button').onclick = () => chat.publish('hello')
    </script>`)
  const page = await openPage(url)
  const other = await openPage(url)
  await other.getByRole('button').click()
  for (const one of [page, other]) await expect(one.getByRole('listitem')).toHaveText([/^guest-[0-9a-f]{8}: hello$/])
})
