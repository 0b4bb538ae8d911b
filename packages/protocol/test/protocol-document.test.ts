import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { closeCodes, decodeMessage, decodeServerMessage, errors } from '../src/index.ts'

const text = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8').replace(/ {2,}/g, ' ')
const said = (arrow: string) => text.split('\n').flatMap((line) => (line.startsWith(arrow) ? [line.slice(2)] : []))

describe('PROTOCOL.md', () => {
  test.each(said('→ '))('the page may say %s', (frame) => {
    expect(decodeMessage(frame)).toEqual([{ frame: expect.anything() }])
  })

  test.each(said('← '))('the hub may say %s', (frame) => {
    expect(decodeServerMessage(frame)).toHaveLength(1)
  })

  test('names every error with its status, and whether trying again may help', () => {
    for (const [code, { status, temporary }] of Object.entries(errors)) {
      expect(text).toContain(`| \`${code}\` | ${status} | ${temporary ? 'yes' : 'no'} |`)
    }
  })

  test('names every close code', () => {
    for (const code of Object.values(closeCodes)) expect(text).toContain(`| ${code} | `)
  })

  test('links to headings that there are', () => {
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
    for (const [, link] of text.matchAll(/\]\(#([^)]*)\)/g)) expect(headings).toContain(link)
  })
})
