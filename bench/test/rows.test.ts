import { expect, test } from 'vitest'
import { type PeerName, peerNames } from '../src/peers.ts'
import { type Row, type RowName, rowNames, rows, takesPart } from '../src/rows.ts'

const inRow = (row: RowName): PeerName[] => peerNames.filter((name) => takesPart(name, rows[row]))

test('the hub is measured in each row, in each of its forms', () => {
  for (const row of rowNames)
    expect(inRow(row)).toEqual(expect.arrayContaining(['hookbox', 'with console', '2 workers']))
})

test('servers stand beside it, or what it stands on', () => {
  expect(inRow('publish + ack')).toEqual(expect.arrayContaining(['bun', 'socket.io']))
  expect(inRow('publish + ack')).not.toEqual(expect.arrayContaining(['ioredis']))
  const others = (row: RowName) => inRow(row).filter((name) => !/hookbox|with|worker|bare/.test(name))
  expect([others('through Redis'), others('moderated')]).toEqual([['ioredis'], ['undici']])
})

test('what shows the limit of a hub over ws stands only where it is one', () => {
  const limits = (row: RowName) => inRow(row).filter((name) => name.startsWith('bare'))
  expect([limits('publish + ack'), limits('connect'), limits('through Redis'), limits('moderated')]).toEqual([
    ['bare wire'],
    ['bare wire', 'bare wire asking'],
    [],
    ['bare wire asking'],
  ])
})

test('what the hub stands on has as much in flight: what is asked about is under way once for each page', () => {
  const after = (load: readonly string[], option: string) => Number(load[load.indexOf(option) + 1])
  for (const { load, beneath, moderated } of Object.values<Row>(rows)) {
    const each = moderated ? 1 : after(load, '--window')
    if (beneath) expect(beneath.inFlight).toBe(after(load, '--pubs') * each)
  }
})
