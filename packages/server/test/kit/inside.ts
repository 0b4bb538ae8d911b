import { Session } from 'node:inspector'

interface Value {
  readonly objectId?: string | undefined
  readonly className?: string | undefined
  readonly description?: string | undefined
}

/** Classes of ours whose insides are looked at too. */
const ours: ReadonlySet<string> = new Set([
  'Users',
  'Channels',
  'ServerPresence',
  'Tellings',
  'Tickets',
  'Inboxes',
  'Takeover',
])

/** How much every map, set and list of an object holds, private ones included, by name: what a test of leaks looks at. */
export function insideOf(object: object): { [path: string]: number } {
  const session = new Session()
  session.connect()
  const global = globalThis as { looked?: object }
  global.looked = object
  const sizes: { [path: string]: number } = {}

  function propertiesOf(objectId: string): { name: string; value?: Value | undefined }[] {
    let found: { name: string; value?: Value | undefined }[] = []
    session.post('Runtime.getProperties', { objectId, ownProperties: true }, (_error, all) => {
      found = [...(all?.result ?? []), ...((all as { privateProperties?: [] } | undefined)?.privateProperties ?? [])]
    })
    return found
  }

  function look(path: string, { objectId, className, description }: Value): void {
    if (objectId === undefined) return
    if (className === 'Map' || className === 'Set') {
      sizes[path] = Number(/\((\d+)\)/.exec(description ?? '')?.[1])
    } else if (path === '' || ours.has(className ?? '')) {
      for (const { name, value } of propertiesOf(objectId)) if (value) look(`${path}${path && '.'}${name}`, value)
    }
  }

  try {
    session.post('Runtime.evaluate', { expression: 'looked' }, (_error, evaluated) => {
      if (evaluated) look('', evaluated.result)
    })
    return sizes
  } finally {
    delete global.looked
    session.disconnect()
  }
}
