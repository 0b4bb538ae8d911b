/** What the end of a turn is told. */
interface Ending {
  end(): void
}

interface Flushing {
  flush(): void
}

let ending: Ending[] = []
let flushing: Flushing[] = []

/** `end` is called when this turn of the event loop is over, before anything is flushed. */
export function endWithTurn(one: Ending): void {
  wake()
  ending.push(one)
}

/** `flush` is called when this turn of the event loop is over: one wake-up for all, as a fan-out fills thousands of outboxes. */
export function flushAfterTurn(one: Flushing): void {
  wake()
  flushing.push(one)
}

function wake(): void {
  if (ending.length === 0 && flushing.length === 0) setImmediate(finish)
}

function finish(): void {
  const ended = ending
  const flushed = flushing
  ending = []
  flushing = []
  for (const one of ended) one.end()
  for (const one of flushed) one.flush()
}
