import { createServer } from 'node:net'
import { Problem } from './start-problem.ts'

/** Every address of the demos, worked out from the two variables that move them all. */
export interface Ports {
  home: number
  chat: number
  graph: number
  cards: number
  chatHub: number
  graphHub: number
  cardsHub: number
  /** The nodes of each hub; none where a hub is one process. */
  chatNodes: number[]
  graphNodes: number[]
  cardsNodes: number[]
}

/** The demos are at PORT, PORT + 10 and so on, their hubs at HOOKBOX_PORT and those after it, and then the nodes, where there are any. */
export function portsFrom(environment: { PORT?: string; HOOKBOX_PORT?: string }, nodesPerHub = 0): Ports {
  const home = numberFrom('PORT', environment.PORT || '8000', 30)
  const chatHub = numberFrom('HOOKBOX_PORT', environment.HOOKBOX_PORT || '8001', 2 + 3 * nodesPerHub)
  const demos = { home, chat: home + 10, graph: home + 20, cards: home + 30 }
  const nodesOf = (hub: number) =>
    Array.from({ length: nodesPerHub }, (_, index) => chatHub + 3 + hub * nodesPerHub + index)
  const nodes = { chatNodes: nodesOf(0), graphNodes: nodesOf(1), cardsNodes: nodesOf(2) }
  const ports = { ...demos, chatHub, graphHub: chatHub + 1, cardsHub: chatHub + 2, ...nodes }
  const numbers = Object.values(ports).flat()
  const twice = numbers.find((port, index) => numbers.indexOf(port) !== index)
  if (twice) throw new Problem(`PORT and HOOKBOX_PORT both lead to port ${twice}; change one of them.`)
  return ports
}

/** `above` is how many further ports are counted up from it. */
function numberFrom(variable: string, text: string, above: number): number {
  const port = Number(text)
  const highest = 65_535 - above
  if (Number.isInteger(port) && port > 0 && port <= highest) return port
  throw new Problem(`${variable} must be a number from 1 to ${highest}, not “${text}”.`)
}

/** Fails with one sentence for whoever reads the terminal, before anything has been started. */
export async function checkFree(ports: Ports): Promise<void> {
  const numbers = Object.entries(ports).flatMap(([name, some]) => [some].flat().map((port) => [name, port] as const))
  for (const [name, port] of numbers) {
    if (await isFree(port)) continue
    const variable = /Hub$|Nodes$/.test(name) ? 'HOOKBOX_PORT' : 'PORT'
    const other = variable === 'PORT' ? 9000 : 9001
    throw new Problem(
      `Port ${port} is taken; choose others with ${variable}, for example: ${variable}=${other} pnpm start`,
    )
  }
}

/** Asks for all interfaces too: whoever listens on another one could answer the browser's `localhost` instead of us. */
async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port))
}

function canListen(port: number, host?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
