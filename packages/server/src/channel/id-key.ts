/** The key under which a log remembers a page's message id: ids of different users never meet. */
export function userIdKey(user: string, messageId: string): string {
  return JSON.stringify([user, messageId])
}

/** The key of an id that came by REST, a name space of its own. */
export function restIdKey(messageId: string): string {
  return JSON.stringify([messageId])
}
