/** What one POST of a page brings. */
export interface Post {
  /** 1 for the page's first, and one more for each that follows; a POST that is tried again keeps its number. */
  readonly seq: number
  /** Frames separated by line feeds; empty where the page has nothing to say. */
  readonly message: string
  /** The page ends its session, after the message. */
  readonly close?: { readonly code: number; readonly reason: string } | undefined
}

/** POSTs that may wait for one before them, and their characters together. */
export const maxEarly = { posts: 16, length: 1_048_576 }

/**
 * Brings a page's POSTs into their order: each is applied once, however often it was sent and whichever way it overtook
 * another. Which one waits for one before it is bounded, as whoever sends is a stranger.
 */
export class Posts {
  readonly #apply: (post: Post) => void
  readonly #early = new Map<number, Post>()
  #earlyLength = 0
  #last = 0

  constructor(apply: (post: Post) => void) {
    this.#apply = apply
  }

  /** Whether any was applied. */
  get begun(): boolean {
    return this.#last > 0
  }

  /** False where too much waits already: then it was not taken, and may be sent again. */
  take(post: Post): boolean {
    if (post.seq <= this.#last || this.#early.has(post.seq)) return true
    if (post.seq > this.#last + 1) return this.#keep(post)
    for (let next: Post | undefined = post; next; next = this.#due()) {
      this.#last = next.seq
      this.#apply(next)
    }
    return true
  }

  #keep(post: Post): boolean {
    const length = this.#earlyLength + post.message.length
    if (this.#early.size >= maxEarly.posts || length > maxEarly.length) return false
    this.#earlyLength = length
    this.#early.set(post.seq, post)
    return true
  }

  #due(): Post | undefined {
    const due = this.#early.get(this.#last + 1)
    if (!due) return undefined
    this.#early.delete(due.seq)
    this.#earlyLength -= due.message.length
    return due
  }
}
