import { expect, test } from 'vitest'
import { scriptTags } from './script-tag.ts'

test('the tags name the version, and the hash of the script as browsers want it', () => {
  // The hash is by `printf 'alert("hookbox")\n' | openssl dgst -sha384 -binary | base64`.
  expect(scriptTags('1.2.3', Buffer.from('alert("hookbox")\n'))).toEqual([
    '<script src="https://unpkg.com/@hookbox/client@1.2.3/dist/hookbox.js" integrity="sha384-Wu2AqcNY+zJ3yBSeCT/RDPSx5xdVUjUXA4bOvgNEOobR26rYxgWZ5RRN2QfZjNAL" crossorigin="anonymous"></script>',
    '<script src="https://cdn.jsdelivr.net/npm/@hookbox/client@1.2.3/dist/hookbox.js" integrity="sha384-Wu2AqcNY+zJ3yBSeCT/RDPSx5xdVUjUXA4bOvgNEOobR26rYxgWZ5RRN2QfZjNAL" crossorigin="anonymous"></script>',
  ])
})
