import { toJsonText } from '@hookbox/protocol'

/** The key under which a log remembers a page's message id: ids of different users never meet. */
export function userIdKey(user: string, messageId: string): string {
  return `[${toJsonText(user)},${toJsonText(messageId)}]`
}

/** The key of an id that came by REST, a name space of its own. */
export function restIdKey(messageId: string): string {
  return `[${toJsonText(messageId)}]`
}
