import { expect, test, vi } from 'vitest'
import { needServers } from './servers.ts'

test('a server that is missing where nothing can be installed is told in a sentence that says how to get it', async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(1_000)
  const node = { command: 'node', debian: 'nodejs', homebrew: 'node' }
  const other = { command: 'made-up-server', debian: 'made-up', homebrew: 'made-up-brew' }
  expect(await needServers([node, other])).toEqual({
    found: 1,
    missing: [
      'made-up-server is missing and could not be installed. For its tests install it with the system’s packages ' +
        '(Debian: apt-get install made-up; macOS: brew install made-up-brew)',
    ],
  })
})
