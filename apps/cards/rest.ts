/** What came of a call: it was done, the hub said no (nobody is there, mostly), or nothing is known and it is tried again. */
export type Outcome = 'done' | 'refused' | 'fault'

/** Calls a REST method of the hub. Never throws. */
export type Rest = (method: string, fields: object) => Promise<Outcome>

/** How long an answer may take. */
const patience = 5_000

export function restOf(hubUrl: string, apiSecurityToken: string): Rest {
  return async (method, fields) => {
    try {
      const response = await fetch(`${hubUrl}/rest/${method}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiSecurityToken}`, 'content-type': 'application/json' },
        body: JSON.stringify(fields),
        signal: AbortSignal.timeout(patience),
      })
      const body = await response.text()
      if (response.ok) return 'done'
      // A channel or a user that does not exist is no mistake: nobody is there to be told.
      if (response.status !== 404)
        console.error(`${method} was answered with ${response.status}: ${body.slice(0, 200)}`)
      return response.status < 500 ? 'refused' : 'fault'
    } catch {
      return 'fault' // The hub is down or busy, and says so itself.
    }
  }
}
