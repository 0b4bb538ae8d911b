import { expect, test } from 'vitest'
import { options } from '../../src/config/options.ts'

test('no two options share a name in any source', () => {
  for (const names of [
    options.map(({ key }) => key),
    options.flatMap(({ flag }) => flag ?? []),
    options.flatMap(({ short }) => short ?? []),
    options.map(({ fileKey }) => fileKey),
    options.flatMap(({ variable }) => variable ?? []),
  ])
    expect(new Set(names).size).toBe(names.length)
})

test('the names in the other sources follow from the flag', () => {
  expect(options.find(({ flag }) => flag === 'cb-create_channel')).toMatchObject({
    key: 'cbCreateChannel',
    fileKey: 'cb_create_channel',
    variable: 'HOOKBOX_CB_CREATE_CHANNEL',
  })
})
