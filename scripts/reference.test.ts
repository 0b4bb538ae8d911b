import { describe, expect, test } from 'vitest'
import { channelOptions } from '../packages/server/src/channel/options.ts'
import { options } from '../packages/server/src/config/options.ts'
import { userOptions } from '../packages/server/src/hub/user-options.ts'
import { command, fill, makeTables, pages, readPage, tablesIn, webhookNames } from './reference.ts'
import { fieldsOf, restMethods } from './reference-rest.ts'
import { restMethodWords } from './reference-words.ts'

const tables = await makeTables()
const text = Object.fromEntries(pages.map((page) => [page, readPage(page)]))
const configuration = text['docs/configuration.md'] ?? ''
const webhooks = text['docs/webhooks.md'] ?? ''
const channels = text['docs/channels.md'] ?? ''
const rest = text['docs/rest.md'] ?? ''

test.each(pages)('the tables in %s are those of the code', (page) => {
  const written = text[page] ?? ''
  expect(fill(written, tables) === written, `${page} differs from the code; run \`${command}\` to write it anew`).toBe(
    true,
  )
})

test('every table stands in one page', () => {
  expect(pages.flatMap((page) => tablesIn(text[page] ?? '')).sort()).toEqual([...tables.keys()].sort())
})

test('a marker that names no table is told with those there are', () => {
  expect(() => fill('<!-- table: nonsense -->\n<!-- end -->', new Map([['flags', '']]))).toThrow(
    'there is no table "nonsense"; there are flags',
  )
})

describe('every name has its words', () => {
  test.each(options)('option $fileKey', ({ fileKey, flag, help }) => {
    expect(help).toMatch(/^[A-Z].*\.$/)
    expect(configuration).toContain(`| \`${fileKey}\` |`)
    if (flag !== undefined) expect(configuration).toContain(`\`--${flag}\``)
  })

  test.each(webhookNames())('webhook %s', (name) => {
    const section = sectionOf(webhooks, name)
    expect(section, `docs/webhooks.md has no section "### ${name}"`).toBeDefined()
    expect(section).toContain(`<!-- table: fields of ${name} -->`)
    expect(section, `the section "### ${name}" of docs/webhooks.md has no prose`).toMatch(/^[A-Z].{40}/m)
  })

  test.each(Object.values(channelOptions))('channel option $name', ({ name }) => {
    expect(channels).toContain(`| \`${name}\` |`)
  })

  test.each(Object.values(userOptions))('user option $name', ({ name }) => {
    expect(channels).toContain(`| \`${name}\` |`)
  })

  test.each(Object.keys(restMethods))('REST method %s', (name) => {
    const section = sectionOf(rest, name)
    expect(section, `docs/rest.md has no section "### ${name}"`).toBeDefined()
    expect(section, `the section "### ${name}" of docs/rest.md has no example`).toMatch(
      new RegExp(`^curl .*/rest/${name}\\b`, 'm'),
    )
  })

  test('no words are left over', () => {
    expect(Object.keys(restMethodWords).sort()).toEqual(Object.keys(restMethods).sort())
  })
})

test('the fields of a REST method are found by running it', async () => {
  const method = restMethods.unsubscribe
  expect(method && (await fieldsOf(method))).toEqual([
    { name: 'channel_name', also: [], required: true },
    { name: 'name', also: ['user'], required: true },
    { name: 'send_hook', also: [], required: false },
  ])
})

test.each([...pages, 'docs/getting-started.md', 'docs/reliability.md', 'docs/running-it-for-real.md'])(
  'the links of %s lead somewhere',
  (page) => {
    const own = readPage(page)
    const links = [...own.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g)]
    const broken = links.filter(([, file = '', heading]) => {
      const target = file === '' ? own : readTarget(file)
      return target === undefined || (heading !== undefined && !anchors(target).includes(heading))
    })
    expect(broken.map(([link]) => link)).toEqual([])
  },
)

function readTarget(file: string): string | undefined {
  try {
    return readPage(new URL(file, 'file:///docs/').pathname.slice(1))
  } catch {
    return undefined // It does not exist, or is a folder.
  }
}

function anchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function sectionOf(markdown: string, heading: string): string | undefined {
  return markdown.split(/^(?=##)/m).find((section) => section.startsWith(`### ${heading}\n`))
}
