import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startHubProcess } from '@hookbox/testkit'
import { build } from 'esbuild'
import { type Installation, install, readManifest } from '../consumers/installation.ts'
import { pack } from '../scripts/packages.ts'
import { scriptTags } from '../scripts/script-tag.ts'
import { test as base, expect } from './fixtures.ts'

const test = base.extend<object, { readonly project: Installation }>({
  /** With the packages as they would be published. */
  project: [
    async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), 'hookbox-tarballs-'))
      await using project = await install(await pack(folder))
      await use(project)
      await rm(folder, { recursive: true, force: true })
    },
    { scope: 'worker', timeout: 60_000 },
  ],
})

// One after another, as each worker packs anew.
test.describe.configure({ mode: 'default' })

test('a page that a bundler made of the published client speaks with the published hub', async ({
  project,
  servePage,
  openPage,
}) => {
  await using hub = await startHubProcess(['--open'], { script: project.command })
  const { outputFiles } = await build({
    absWorkingDir: project.folder,
    entryPoints: ['page.ts'],
    bundle: true,
    write: false,
    format: 'esm',
  })
  const script = outputFiles[0]?.text.replaceAll('</script', '<\\/script') ?? ''
  const url = await servePage(`<!doctype html><button>Say hello</button><script type="module">${script}</script>`)
  const page = await openPage(`${url}?hub=${encodeURIComponent(hub.url)}`)
  const other = await openPage(`${url}?hub=${encodeURIComponent(hub.url)}`)
  for (const one of [page, other]) await expect(one).toHaveTitle('subscribed')
  await other.getByRole('button').click()
  for (const one of [page, other]) await expect(one.getByText('HELLO', { exact: true })).toBeVisible()
})

test.describe('the script tag that a release tells', () => {
  for (const { name, isWhole } of [
    { name: 'loads the published script, which speaks with the published hub', isWhole: true },
    { name: 'loads nothing where one byte of the script is another', isWhole: false },
  ]) {
    test(name, async ({ project, servePage, context }) => {
      await using hub = await startHubProcess(['--open'], { script: project.command })
      const script = await readFile(project.path('client', 'dist/hookbox.js'))
      const { version } = await readManifest(project.path('client'))
      const tags = scriptTags(version, script)
      // Stands for the hosts, which none of the tests may ask.
      const body = isWhole ? script : Buffer.concat([script, Buffer.of(10)])
      const headers = { 'access-control-allow-origin': '*', 'content-type': 'text/javascript' }
      const page = await context.newPage()
      await page.route(/^https:\/\/(unpkg\.com|cdn\.jsdelivr\.net)\//, (route) => route.fulfill({ headers, body }))
      for (const tag of tags) {
        const url = await servePage(`<!doctype html>
          ${tag}
          <button>Say hello</button>
          <script>
            document.title = typeof hookbox
            const chat = hookbox.connect('${hub.url}').subscribe('chat')
            chat.on('publish', ({ payload }) => {
              document.body.append(Object.assign(document.createElement('p'), { textContent: payload.toUpperCase() }))
            })
            document.querySelector('button').onclick = () => chat.publish('hello')
          </script>`)
        await page.goto(url)
        await expect(page).toHaveTitle(isWhole ? 'object' : 'undefined')
        await page.getByRole('button').click()
        await expect(page.getByText('HELLO', { exact: true })).toBeVisible({ visible: isWhole })
      }
    })
  }
})
