import type { View } from '../../../packages/server/src/admin/told.ts'

/** What the address says is to be seen: all that can be looked at has an address of its own. */
export function viewOf(hash: string): View {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [name, ...rest] = path.split('/')
  const item = decoded(rest.join('/'))
  switch (name) {
    case 'channels':
      return item === '' ? listOf('channels', query) : { name: 'channel', channel: item }
    case 'users':
      return item === '' ? listOf('users', query) : { name: 'user', user: item }
    case 'webhooks':
    case 'log':
      return { name }
    default:
      return { name: 'overview' }
  }
}

export type ListView = Extract<View, { readonly name: 'channels' | 'users' }>

/** The address of a view. */
export function hashOf(view: View): string {
  switch (view.name) {
    case 'channel':
      return `#/channels/${encodeURIComponent(view.channel)}`
    case 'user':
      return `#/users/${encodeURIComponent(view.user)}`
    case 'channels':
    case 'users': {
      const query = new URLSearchParams()
      if (view.search !== '') query.set('search', view.search)
      if (view.sort !== 'name') query.set('sort', view.sort)
      if (view.descending) query.set('descending', '1')
      if (view.from > 0) query.set('from', String(view.from))
      return `#/${view.name}${query.size > 0 ? `?${query}` : ''}`
    }
    default:
      return `#/${view.name}`
  }
}

/** A list from its beginning. */
export function wholeList(name: ListView['name']): ListView {
  return { name, search: '', sort: 'name', descending: false, from: 0 }
}

function listOf(name: ListView['name'], query: string): ListView {
  const fields = new URLSearchParams(query)
  const from = Number(fields.get('from') ?? 0)
  return {
    name,
    search: (fields.get('search') ?? '').slice(0, 200),
    sort: fields.get('sort') === 'size' ? 'size' : 'name',
    descending: fields.has('descending'),
    from: Number.isSafeInteger(from) && from > 0 ? from : 0,
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
