import { expect, test } from './fixtures.ts'

test('thirty points are there at once, and every second brings a new one', async ({ graph, openPage }) => {
  const first = await openPage(graph.url)
  await expect(first.getByRole('img')).toHaveAttribute('data-newest', /\d/)
  for (let i = 0; i < 30; i++) {
    const payload = JSON.stringify({ cpu: i, memory: 50 })
    expect(await graph.rest('publish', { channel_name: 'load', payload })).toMatchObject([true, {}])
  }
  const page = await openPage(graph.url)
  const canvas = page.getByRole('img', { name: 'Processor and memory use' })
  // Not zero and not thirty-one: the first picture has all of them, and only polling adds to it.
  await expect(canvas).toHaveAttribute('data-newest', /\d/)
  await expect(canvas).toHaveAttribute('data-points', '30')
  const drawn = Number(await canvas.getAttribute('data-newest'))
  expect(drawn).toBeGreaterThanOrEqual(30)
  expect(drawn).toBeLessThan(33)
  for (const next of [drawn + 1, drawn + 2]) await expect(canvas).toHaveAttribute('data-newest', `${next}`)
  await expect(canvas).toHaveAttribute('data-points', '30')
})

test('a publish by the page is refused in the words of the application', async ({ graph, openPage }) => {
  const page = await openPage(graph.url)
  await expect(page.locator('[data-status]')).toHaveAttribute('data-status', 'connected')
  await page.getByRole('button', { name: 'Try to publish' }).click()
  await expect(page.getByRole('alert')).toContainText('fed by the server')
})
