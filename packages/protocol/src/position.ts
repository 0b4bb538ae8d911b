/** A place in one life of a channel's log. Positions of different epochs cannot be compared. */
export interface Position {
  /** Names one life of the log; it changes whenever offsets could repeat. */
  readonly epoch: string
  /** The number of the last entry that this place includes; 0 before the first. */
  readonly offset: number
}

const form = /^([\w-]{1,64}):(0|[1-9]\d{0,15})$/

/** Reads the text form `epoch:offset`; undefined when it is not one. */
export function parsePosition(text: string): Position | undefined {
  const [, epoch, digits] = form.exec(text) ?? []
  const offset = Number(digits)
  return epoch !== undefined && Number.isSafeInteger(offset) ? { epoch, offset } : undefined
}

/** Writes the text form `epoch:offset`. */
export function formatPosition(position: Position): string {
  return `${position.epoch}:${position.offset}`
}
