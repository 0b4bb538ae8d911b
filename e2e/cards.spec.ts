import type { Locator, Page } from '@playwright/test'
import { type Demo, expect, test } from './fixtures.ts'

/** Three browsers draw a whole game: a machine that does other things besides takes its time. */
test.describe.configure({ timeout: 90_000 })

test.describe('with cards that move', () => {
  test.use({ contextOptions: { reducedMotion: 'no-preference' } })

  test('three play a game to its end, with a move out of turn and a reload in the middle', async ({
    cards,
    openPage,
  }) => {
    const ann = await sitDown(cards, openPage, 'Ann')
    const bob = await sitDown(cards, openPage, 'Bob')
    const cleo = await sitDown(cards, openPage, 'Cleo')
    const players = [ann, bob, cleo]
    await ann.page.bringToFront()
    await ann.button('Deal').click()
    for (const one of players) await expect(one.hand).toHaveCount(5)
    await expect(bob.felt).toHaveAttribute('data-turn', 'Ann')
    const held = [await ann.cards(), await bob.cards(), await cleo.cards()]
    expect(new Set(held.flat()).size).toBe(15)

    await bob.page.bringToFront()
    await bob.hand.first().click()
    await expect(bob.alert).toHaveText('It is Ann’s turn.')
    expect(await bob.cards()).toEqual(held[1])
    await expect(ann.felt).toHaveAttribute('data-turn', 'Ann')

    for (let moves = 0; moves < 6; moves++) await moveOnce(players)
    await expectSame(players)
    const before = { cards: await bob.cards(), table: await tableOf(bob) }
    await bob.page.reload()
    await expect(bob.hand).toHaveCount(before.cards.length)
    expect(await bob.cards()).toEqual(before.cards)
    expect(await tableOf(bob)).toEqual(before.table)

    while ((await ann.felt.getAttribute('data-phase')) === 'playing') await moveOnce(players)
    await expectSame(players)
    const ends = await Promise.all(players.map(({ turn }) => turn.textContent()))
    const winner = players.find((_, index) => ends[index] === 'You win!')
    expect(winner?.name).toBeDefined()
    expect(await winner?.cards()).toEqual([])
    for (const one of players) if (one !== winner) await expect(one.turn).toHaveText(`${winner?.name} wins!`)

    await cleo.page.bringToFront()
    await cleo.button('Deal').click()
    for (const one of players) await expect(one.hand).toHaveCount(5)
    await expect(cleo.felt).toHaveAttribute('data-turn', 'Bob')
  })
})

test('who leaves gives the seat up, and who is left alone has won', async ({ cards, openPage }) => {
  const ann = await sitDown(cards, openPage, 'Ann')
  const bob = await sitDown(cards, openPage, 'Bob')
  const cleo = await sitDown(cards, openPage, 'Cleo')
  await ann.page.bringToFront()
  await ann.button('Deal').click()
  await expect(cleo.hand).toHaveCount(5)

  await ann.page.bringToFront()
  await ann.button('Sign out').click()
  await expect(ann.page.getByLabel('Your name')).toBeVisible()
  await expect(bob.turn).toHaveText('Your turn')
  await expect(bob.seats).toHaveCount(1)

  await bob.page.bringToFront()
  await bob.button('Leave the table').click()
  await expect(cleo.turn).toHaveText('You win, as everybody else has left')
  await expect(bob.hand).toHaveCount(0)
})

test('the hub is killed and started again: the game goes on where it was', async ({ cards, openPage }) => {
  const ann = await sitDown(cards, openPage, 'Ann')
  const bob = await sitDown(cards, openPage, 'Bob')
  const players = [ann, bob]
  await ann.page.bringToFront()
  await ann.button('Deal').click()
  for (const one of players) await expect(one.hand).toHaveCount(7)
  await moveOnce(players)
  const before = { ann: await ann.cards(), bob: await bob.cards(), table: await tableOf(ann) }

  await cards.hub.kill('SIGKILL')
  for (const { status } of players) await expect(status).not.toHaveAttribute('data-status', 'connected')
  await cards.hub.restart()
  for (const { status } of players) {
    // A try that failed as the hub was not up yet is followed by a wait of up to 20 s.
    await expect(status).toHaveAttribute('data-status', 'connected', { timeout: 40_000 })
  }
  expect({ ann: await ann.cards(), bob: await bob.cards(), table: await tableOf(ann) }).toEqual(before)
  await moveOnce(players)
  await expectSame(players)
})

test('nobody can take the name of somebody who is here, nor see the cards of another', async ({ cards, openPage }) => {
  const ann = await sitDown(cards, openPage, 'Ann')
  const bob = await sitDown(cards, openPage, 'Bob')
  await ann.page.bringToFront()
  await ann.button('Deal').click()
  await expect(ann.hand).toHaveCount(7)

  const stranger = await openPage(cards.url)
  await signIn(stranger, 'ann')
  await expect(stranger.getByRole('alert')).toHaveText('Somebody called ann is here already.')
  await signIn(stranger, 'Dora')
  await expect(stranger.locator('[data-status]')).toHaveAttribute('data-status', 'connected')
  await expect(stranger.getByRole('listitem').filter({ hasText: '7 cards' })).toHaveCount(2)
  await expect(stranger.locator('#hand li')).toHaveCount(0)
  await expect(bob.page.getByText('Watching: Dora')).toBeVisible()
  const [card] = await ann.cards()
  await expect(stranger.locator(`#hand [data-card="${card}"]`)).toHaveCount(0)
})

/** Somebody at the table, as seen on their page. */
interface Player {
  readonly name: string
  readonly page: Page
  readonly status: Locator
  readonly felt: Locator
  readonly turn: Locator
  readonly alert: Locator
  readonly hand: Locator
  /** The others, with their cards. */
  readonly seats: Locator
  button(name: string): Locator
  /** The own cards, such as `10H`. */
  cards(): Promise<string[]>
}

async function sitDown(cards: Demo, openPage: (url: string) => Promise<Page>, name: string): Promise<Player> {
  const page = await openPage(cards.url)
  await signIn(page, name)
  const hand = page.getByRole('list', { name: 'Your hand' }).getByRole('button')
  const player: Player = {
    name,
    page,
    status: page.locator('[data-status]'),
    felt: page.getByRole('region', { name: 'Table' }),
    turn: page.locator('#turn'),
    alert: page.getByRole('alert'),
    hand,
    seats: page.getByRole('list', { name: 'Players' }).locator('[data-name]'),
    button: (label) => page.getByRole('button', { name: label }),
    cards: () => hand.evaluateAll((buttons) => buttons.map((button) => button.dataset.card ?? '')),
  }
  await expect(player.status).toHaveAttribute('data-status', 'connected')
  await player.button('Take a seat').click()
  await expect(player.button('Leave the table')).toBeVisible()
  return player
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Lets whoever is on turn do something, and waits until everybody has seen it. */
async function moveOnce(players: readonly Player[]): Promise<void> {
  const [first] = await Promise.all(players.map(tableOf))
  const player = players.find(({ name }) => name === first?.turn)
  if (!player) throw new Error(`nobody is on turn: ${JSON.stringify(first)}`)
  await expect(player.turn).toHaveText('Your turn')
  await move(player)
  for (const { felt } of players) await expect(felt).toHaveAttribute('data-moves', `${Number(first?.moves) + 1}`)
}

/** Plays by the rules as a person reads them, from what can be seen on the page, and by the keyboard alone, until the own hand shows it. */
async function move(player: Player): Promise<void> {
  const top = (await player.page.locator('#pile').getAttribute('data-top')) ?? ''
  const suit = await player.page.locator('#suit').getAttribute('data-suit')
  // The hand and whose turn it is come on different ways.
  await expect(player.page.locator('#hand [data-playable], #deck.offered, [data-move="pass"]:visible')).not.toHaveCount(
    0,
  )
  const cards = await player.cards()
  const fits = (card: string) => card.endsWith(suit ?? '') || card.slice(0, -1) === top.slice(0, -1)
  const card = cards.find((one) => !one.startsWith('8') && fits(one)) ?? cards.find((one) => one.startsWith('8'))
  const pass = player.button('Pass')
  // Only a page in front hears the keyboard.
  await player.page.bringToFront()
  if (card) {
    const played = player.hand.and(player.page.locator(`[data-card="${card}"]`))
    await played.press('Enter')
    const suits = player.page.getByRole('dialog', { name: 'Which suit goes on?' })
    if (card.startsWith('8')) await suits.getByRole('button', { name: 'Hearts' }).press('Enter')
    await expect(played).toHaveCount(0)
  } else if (await pass.isVisible()) await pass.press('Enter')
  else {
    await player.button('Draw a card').press('Enter')
    await expect(player.hand).toHaveCount(cards.length + 1)
  }
}

/** What everybody sees, as this page shows it. */
async function tableOf({ felt, page }: Player) {
  const pile = page.locator('#pile')
  const [moves, turn, top] = await Promise.all([
    felt.getAttribute('data-moves'),
    felt.getAttribute('data-turn'),
    pile.getAttribute('data-top'),
  ])
  return { moves, turn, top }
}

async function expectSame(players: readonly Player[]): Promise<void> {
  const [first, ...others] = await Promise.all(players.map(tableOf))
  for (const other of others) expect(other).toEqual(first)
}
