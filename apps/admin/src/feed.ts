import type { Told, View } from '../../../packages/server/src/admin/told.ts'
import { post, RequestError, readAnswer } from './requests.ts'

export interface FeedEars {
  told(told: Told): void
  /** It begins anew: what it tells, it tells from the beginning. */
  opened(): void
  /** The hub does not answer; the feed comes back by itself. `why` is what it said, if anything. */
  lost(why: string | undefined): void
  signedOut(): void
}

/** Milliseconds until the feed is opened again, at first and at most. */
const firstPause = 500
const longestPause = 10_000

/** Hears from the hub what there is to see, until it is stopped; a line that breaks off comes back. */
export function openFeed(view: View, ears: FeedEars): () => void {
  const stopped = new AbortController()
  void follow(view, ears, stopped.signal)
  return () => stopped.abort()
}

async function follow(view: View, ears: FeedEars, signal: AbortSignal): Promise<void> {
  let pause = firstPause
  while (!signal.aborted) {
    let why: string | undefined
    try {
      const response = await post('feed', view, signal)
      if (!response.ok || !response.body) await readAnswer(response)
      ears.opened()
      pause = firstPause
      for await (const told of toldBy(response)) {
        if (signal.aborted) return
        if (told.of === 'signed out') return ears.signedOut()
        ears.told(told)
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof RequestError && error.status === 401) return ears.signedOut()
      if (error instanceof RequestError) why = error.message
    }
    ears.lost(why)
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random() / 2)))
    pause = Math.min(longestPause, pause * 2)
  }
}

async function* toldBy(response: Response): AsyncGenerator<Told> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true }
    if (done) return
    const events = (text + value).split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) if (event.startsWith('data: ')) yield JSON.parse(event.slice(6)) as Told
  }
}
