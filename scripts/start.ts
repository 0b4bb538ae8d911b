/** `pnpm start`: the demos with a hub each, and the page that leads to them. `pnpm dev` is the same with `--watch`. */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundler } from './build.ts'
import { buildWhatIsOld } from './start-build.ts'
import { adminPassword, type Demo, node, type Pair, pairOf, restSecret, root } from './start-demos.ts'
import { checkFree, type Ports, portsFrom } from './start-ports.ts'
import { Problem } from './start-problem.ts'
import { Processes, type Service } from './start-processes.ts'
import type { SharedRedis } from './start-redis.ts'
import { startTurns, type Turns } from './start-turns.ts'

const demos = ['chat', 'graph', 'cards'] as const

/** With `--redis`. */
const nodesPerHub = 2

/** Without `--redis` nothing of it is even loaded. */
async function findRedis(): Promise<SharedRedis> {
  const { needSharedRedis } = await import('./start-redis.ts')
  return needSharedRedis(process.env.REDIS_URL)
}

function pairsOf(ports: Ports, watch: boolean, redis: SharedRedis | undefined): Pair[] {
  return demos.map((demo) => {
    const shared: Demo['shared'] = redis && { nodePorts: ports[`${demo}Nodes`], redisUrl: redis.url }
    return pairOf({ demo, port: ports[demo], hubPort: ports[`${demo}Hub`], watch, shared })
  })
}

function homePage(ports: Ports, watch: boolean): Service {
  return {
    name: 'The home page',
    args: [...node(watch), join(root, 'apps/home/server.ts')],
    env: {
      PORT: `${ports.home}`,
      CHAT_PORT: `${ports.chat}`,
      GRAPH_PORT: `${ports.graph}`,
      CARDS_PORT: `${ports.cards}`,
      GRAPH_HUB_PORT: `${ports.graphHub}`,
    },
    readyAt: [`http://127.0.0.1:${ports.home}/health`],
  }
}

/** The script that the hubs serve is the one thing that stays bundled while watching. */
function clientBundler(): Service {
  const cwd = join(root, 'packages/client')
  return { name: "The client's bundler", args: [bundler(cwd), '--watch', 'src', '--silent'], cwd }
}

function addresses(ports: Ports, nodes: string): string {
  const payload = '{"text":"Hello from a terminal"}'
  const fields = `security_token=${restSecret}&channel_name=chat&originator=curl&send_hook=1&payload=${payload}`
  return `
  Start here   http://localhost:${ports.home}
  Chat         http://localhost:${ports.chat}   its hub  http://localhost:${ports.chatHub}
  Graph        http://localhost:${ports.graph}   its hub  http://localhost:${ports.graphHub}
  Cards        http://localhost:${ports.cards}   its hub  http://localhost:${ports.cardsHub}
${nodes}
  See what the hub of the chat does, and what the chat answers it: the password is ${adminPassword}
  http://localhost:${ports.chatHub}/admin

  Say something in the chat, once somebody is in it:
  curl -d '${fields}' http://127.0.0.1:${ports.chatHub}/rest/publish

  Ctrl-C stops everything.
`
}

/** What there is to see of several nodes. */
function nodeAddresses(ports: Ports, { url }: SharedRedis, victim: number | undefined): string {
  const line = (demo: string, nodes: readonly number[]) =>
    `  ${demo.padEnd(13)}${nodes.map((port) => `http://localhost:${port}`).join('   ')}`
  return `
  Each hub is two nodes, to which pages go in turn: two tabs are at two nodes.
${line('Chat', ports.chatNodes)}
${line('Graph', ports.graphNodes)}
${line('Cards', ports.cardsNodes)}
  They share   ${url.replace(/\/\/.*@/, '//')}

  Take a node of the chat away and go on chatting:
  kill -9 ${victim}
`
}

async function main(): Promise<void> {
  // Some versions of pnpm hand on the `--` that stands before what is for the script.
  const args = process.argv.slice(2).filter((arg) => arg !== '--')
  const options = { watch: { type: 'boolean', default: false }, redis: { type: 'boolean', default: false } } as const
  const { watch, redis: withRedis } = parseArgs({ args, options }).values
  const ports = portsFrom(process.env, withRedis ? nodesPerHub : 0)
  await checkFree(ports)
  const redis = withRedis ? await findRedis() : undefined

  const turns: Turns[] = []
  const processes = new Processes((sentence) => {
    console.error(sentence)
    end(1)
  })
  let ending: Promise<void> | undefined
  const end = (code: number) => {
    if (ending) return
    process.exitCode = code
    ending = stop()
  }
  const stop = async () => {
    await Promise.all(turns.map((one) => one.close()))
    await processes.stop()
    await redis?.close()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0))

  try {
    if (watch) processes.start(clientBundler())
    else await buildWhatIsOld(root)
    if (ending) return
    const pairs = pairsOf(ports, watch, redis)
    for (const demo of redis ? demos : []) turns.push(await startTurns(ports[`${demo}Hub`], ports[`${demo}Nodes`]))
    if (ending) return
    const services = pairs.flatMap(({ application, hub }) => [application, ...hub])
    for (const service of [...services, homePage(ports, watch)]) processes.start(service)
    // Whoever is watching may have to mend something first.
    await processes.ready(watch ? Number.POSITIVE_INFINITY : 30_000)
    const [victim] = pairs[0]?.hub ?? []
    const nodes = redis ? nodeAddresses(ports, redis, victim && processes.pidOf(victim)) : ''
    if (!ending) console.log(addresses(ports, nodes))
  } catch (error) {
    report(error)
    end(1)
  }
}

function report(error: unknown): void {
  console.error(error instanceof Problem ? error.message : error)
}

try {
  await main()
} catch (error) {
  report(error)
  process.exitCode = 1
}
