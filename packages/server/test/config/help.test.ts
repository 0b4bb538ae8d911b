import { expect, test } from 'vitest'
import { help } from '../../src/config/help.ts'
import { options } from '../../src/config/options.ts'

const lines = help().split('\n')

test('every option stands in the help, once', () => {
  for (const { flag, fileKey } of options) {
    const start = flag === undefined ? `"${fileKey}"` : `--${flag}`
    expect(
      lines.filter(
        (line) =>
          line
            .trimStart()
            .replace(/^-\w, /, '')
            .split(' ')[0] === start,
      ),
    ).toHaveLength(1)
  }
})

test('it fits 100 columns', () => {
  expect(lines.filter((line) => line.length > 100)).toEqual([])
})

test('it names defaults', () => {
  expect(help()).toMatch(/--port PORT .*\[8001\]/)
  expect(help()).toMatch(/--linger SECONDS [^[]*\[15\]/)
  expect(help()).not.toMatch(/undefined|\[\]|\[object/)
})
