import { expect, test } from 'vitest'
import { type Compressed, compressionTable } from '../src/compression.ts'

const of = (peer: Compressed['peer'], bytes: number, cpu_us: number, lost = 0): Compressed => ({
  ...{ peer, lost, bytes, cpu_us },
})

test('medians stand in a table, and where something was lost there is no number', () => {
  const text = compressionTable([
    of('hookbox', 1_142, 14.7),
    of('with compression', 600, 20),
    of('with compression', 500, 30),
    of('with compression', 400, 10),
    of('ws loop', 1_046, 14),
    of('ws loop', 1_046, 14, 3),
    of('ws loop deflate', 350, 154),
    { peer: 'ws loop deflate', error: 'the server ended' },
  ])
  expect(text.split('\n').slice(4)).toEqual([
    '| server | what it is | bytes on the wire, each | CPU of the server, µs each |',
    '| --- | --- | ---: | ---: |',
    expect.stringMatching(/^\| hookbox \| .* \| 1,142 \| 14\.7 \|$/),
    '| with compression | this hub with --compression | 500 (400–600) | 20.0 (10.0–30.0) |',
    '| ws loop | thirty lines over ws | broken: 3 deliveries were lost |  |',
    expect.stringMatching(/^\| ws loop deflate \| .* \| broken: the server ended \| {2}\|$/),
  ])
})
