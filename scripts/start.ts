/** `pnpm start`: the demos with a hub each, and the page that leads to them. `pnpm dev` is the same with `--watch`. */

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildWhatIsOld, bundler } from './start-build.ts'
import { checkFree, type Ports, portsFrom } from './start-ports.ts'
import { Problem } from './start-problem.ts'
import { Processes, type Service } from './start-processes.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Known to all, so that the line below can be pasted: it opens no more than the demos on this machine. */
const restSecret = process.env.HOOKBOX_API_SECURITY_TOKEN || 'a-secret-for-trying-hookbox-out'

interface Pair {
  demo: 'chat' | 'graph' | 'cards'
  port: number
  hubPort: number
  watch: boolean
}

/** A web application and the hub that asks it, with a secret that only these two share. */
function pair({ demo, port, hubPort, watch }: Pair): Service[] {
  const secret = randomBytes(24).toString('base64url')
  const hubArgs = [
    ...['--port', `${hubPort}`, '--interface', '127.0.0.1'],
    ...['--cbhost', '127.0.0.1', '--cbport', `${port}`, '--cbpath', '/hookbox'],
    // Less than the default, so that one sees soon that somebody has closed the page.
    ...['--linger', '5', '--log-level', 'warn'],
  ]
  const secrets = { HOOKBOX_WEBHOOK_SECRET: secret, HOOKBOX_API_SECURITY_TOKEN: restSecret }
  return [
    {
      name: `The ${demo}`,
      args: [...node(watch), join(root, `apps/${demo}/server.ts`)],
      env: { PORT: `${port}`, HOOKBOX_PORT: `${hubPort}`, ...secrets },
      readyAt: [`http://127.0.0.1:${port}/health`],
    },
    {
      name: `The ${demo}'s hub`,
      args: [...hubCommand(watch), ...hubArgs],
      // Not among the arguments, which every user of this machine can list.
      env: secrets,
      talks: true,
      readyAt: [`http://127.0.0.1:${hubPort}/health`, `http://127.0.0.1:${hubPort}/static/hookbox.js`],
    },
  ]
}

const node = (watch: boolean) => [...(watch ? ['--watch', '--watch-preserve-output'] : []), '--import', 'tsx']

/** The command that a user installs; while watching, the same from its sources. */
function hubCommand(watch: boolean): string[] {
  if (!watch) return [join(root, 'packages/server/dist/cli.js')]
  return ['--conditions=@hookbox/source', ...node(true), join(root, 'packages/server/src/cli/main.ts')]
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

function addresses(ports: Ports): string {
  const payload = '{"text":"Hello from a terminal"}'
  const fields = `security_token=${restSecret}&channel_name=chat&originator=curl&send_hook=1&payload=${payload}`
  return `
  Start here   http://localhost:${ports.home}
  Chat         http://localhost:${ports.chat}   its hub  http://localhost:${ports.chatHub}
  Graph        http://localhost:${ports.graph}   its hub  http://localhost:${ports.graphHub}
  Cards        http://localhost:${ports.cards}   its hub  http://localhost:${ports.cardsHub}

  Say something in the chat, once somebody is in it:
  curl -d '${fields}' http://127.0.0.1:${ports.chatHub}/rest/publish

  Ctrl-C stops everything.
`
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { watch: { type: 'boolean', default: false } } })
  const { watch } = values
  const ports = portsFrom(process.env)
  await checkFree(ports)

  const processes = new Processes((sentence) => {
    console.error(sentence)
    end(1)
  })
  let ending: Promise<void> | undefined
  const end = (code: number) => {
    if (ending) return
    process.exitCode = code
    ending = processes.stop()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0))

  if (watch) processes.start(clientBundler())
  else await buildWhatIsOld(root)
  if (ending) return

  const chat = pair({ demo: 'chat', port: ports.chat, hubPort: ports.chatHub, watch })
  const graph = pair({ demo: 'graph', port: ports.graph, hubPort: ports.graphHub, watch })
  const cards = pair({ demo: 'cards', port: ports.cards, hubPort: ports.cardsHub, watch })
  for (const service of [...chat, ...graph, ...cards, homePage(ports, watch)]) processes.start(service)
  try {
    // Whoever is watching may have to mend something first.
    await processes.ready(watch ? Number.POSITIVE_INFINITY : 30_000)
    if (!ending) console.log(addresses(ports))
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
