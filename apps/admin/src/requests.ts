import type { Json } from '@hookbox/protocol'

/** Why the hub did not do something, in its words. */
export class RequestError extends Error {
  /** 0 where the hub could not be reached. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface Session {
  readonly signedIn: boolean
  readonly version?: string
}

export const session = (): Promise<Session> => request('GET', 'session')
export const signIn = (password: string): Promise<Session> => request('POST', 'session', { password })
export const signOut = (): Promise<Session> => request('DELETE', 'session')
/** The operator is there. */
export const present = (): Promise<unknown> => request('POST', 'presence', {})

/** Has the hub do what REST has. @throws RequestError in the hub's words, which name the field */
export function call(method: string, fields: { readonly [field: string]: Json }): Promise<unknown> {
  return request('POST', `call/${method}`, fields)
}

export function post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(path, { method: 'POST', headers, body: JSON.stringify(body), ...(signal && { signal }) })
}

async function request<T>(method: string, path: string, body?: object): Promise<T> {
  const sent = body ? post(path, body) : fetch(path, { method })
  const response = await sent.catch(() => {
    throw new RequestError(0, 'the hub does not answer')
  })
  return readAnswer(response)
}

/** @throws RequestError */
export async function readAnswer<T>(response: Response): Promise<T> {
  const answer = (await response.json().catch(() => ({}))) as { readonly error?: string }
  if (response.ok) return answer as T
  throw new RequestError(response.status, answer.error ?? `the hub answered with status ${response.status}`)
}
