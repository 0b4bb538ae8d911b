import { setTimeout as pause } from 'node:timers/promises'
import { patience } from './within.ts'

/**
 * Asks again and again until there is an answer: for what is told to nobody, as that another process listens. A question
 * that fails has no answer yet.
 */
export async function until<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  what: string,
  { deadline = patience, instead = () => '' }: { readonly deadline?: number; readonly instead?: () => string } = {},
): Promise<T> {
  const end = Date.now() + deadline
  let last = 'no answer'
  while (Date.now() < end) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
      last = 'no answer'
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    await pause(20)
  }
  throw new Error(`waited ${deadline} ms for ${what}; came instead: ${[last, instead()].filter(Boolean).join('; ')}`)
}
