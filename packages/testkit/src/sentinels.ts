import { randomBytes } from 'node:crypto'
import { freePort } from './free-port.ts'
import { type Redis, type RedisOptions, replicating } from './redis.ts'
import { callRedis, type RedisReply } from './redis-call.ts'
import { RedisGroup } from './redis-group.ts'
import { until } from './until.ts'

export interface SentinelsOptions {
  /** Default 1. */
  readonly replicas?: number
  readonly password?: string
  readonly persistence?: RedisOptions['persistence']
  /** Milliseconds of silence after which the first Sentinel takes a server for dead, and acts; default 1,000: a busy machine stands still for half of that. */
  readonly downAfter?: number
}

/** A master with replicas, and three Sentinels that put a replica in its place when it is gone. */
export interface Sentinels extends AsyncDisposable {
  /** By what name the Sentinels know the master. */
  readonly name: string
  /** The first began as the master. */
  readonly servers: readonly Redis[]
  readonly sentinels: readonly Redis[]
  /** Who is the master, by the first Sentinel that answers. */
  master(): Promise<Redis>
  /** Settles when another than that one is the master, by what it says itself and by all Sentinels that answer. */
  promoted(insteadOf: Redis): Promise<Redis>
  /** Settles when that one, back again, follows the new master, and the Sentinels would put it in the place of that. */
  demoted(old: Redis): Promise<void>
}

const name = 'hookbox'

/** Milliseconds for what Sentinels do only every ten seconds. */
const slow = 20_000

/** Milliseconds after which a Sentinel is taken for one that is stopped. */
const silence = 500

export async function startSentinels(options: SentinelsOptions = {}): Promise<Sentinels> {
  const group = new RedisGroup()
  try {
    return await startIn(group, options)
  } catch (error) {
    await group[Symbol.asyncDispose]()
    throw error
  }
}

async function startIn(group: RedisGroup, options: SentinelsOptions): Promise<Sentinels> {
  const { replicas = 1, downAfter = 1_000, password, persistence = 'none' } = options
  const common = { persistence, ...(password === undefined ? {} : { password }) }
  const first = await group.start(common)
  const others = await group.startAll(Array(replicas).fill({ ...common, replicaOf: first }))
  const servers = [first, ...others]

  // They would find each other within seconds: they are told instead.
  const ids = Array.from({ length: 3 }, () => randomBytes(20).toString('hex'))
  const ports = await Promise.all(ids.map(() => freePort()))
  const config = (self: number) => [
    `sentinel myid ${ids[self]}`,
    // One is sure sooner than the others, who vote for it: were they sure at once, each would vote for itself, and some seconds
    // later all would try again.
    `sentinel monitor ${name} 127.0.0.1 ${first.port} 1`,
    `sentinel down-after-milliseconds ${name} ${downAfter * (self + 1)}`,
    `sentinel failover-timeout ${name} ${downAfter * 4}`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${name} ${JSON.stringify(password)}`]),
    ...others.map(({ port }) => `sentinel known-replica ${name} 127.0.0.1 ${port}`),
    ...ids.flatMap((id, other) =>
      other === self ? [] : [`sentinel known-sentinel ${name} 127.0.0.1 ${ports[other]} ${id}`],
    ),
  ]
  const sentinels = await group.startAll(ports.map((port, self) => ({ port, sentinel: true, config: config(self) })))
  await Promise.all(sentinels.map(hurry))
  await Promise.all(sentinels.map((sentinel) => watching(sentinel, replicas)))
  // A replica that was just told again where its master is has lost its line for a moment.
  const isWhole = async () =>
    ((await first.call('ROLE')) as [string, number, unknown[]])[2].length === replicas || undefined
  await until(isWhole, 'the master to have its replicas')

  /** Whom each Sentinel names that answers. */
  async function named(): Promise<(Redis | undefined)[]> {
    const ask = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]
    const answers = await Promise.allSettled(sentinels.map(({ url }) => callRedis(url, ask, silence)))
    const ports = answers.flatMap((one) => (one.status === 'fulfilled' ? [Number((one.value as string[])[1])] : []))
    return ports.map((port) => servers.find((server) => server.port === port))
  }

  return {
    name,
    servers,
    sentinels,
    async master() {
      const [master] = await named()
      if (master === undefined) throw new Error('no Sentinel names a master')
      return master
    },
    promoted(insteadOf) {
      const promoted = async () => {
        const [one, ...more] = await named()
        if (one === undefined || one === insteadOf || more.some((other) => other !== one)) return undefined
        const [role] = (await one.call('ROLE')) as string[]
        return role === 'master' ? one : undefined
      }
      return until(promoted, `another master than ${insteadOf.url}`, { deadline: slow })
    },
    async demoted(old) {
      await replicating(old, { deadline: slow })
      await Promise.all(sentinels.map((sentinel) => watching(sentinel, replicas, { deadline: slow })))
    },
    [Symbol.asyncDispose]: () => group[Symbol.asyncDispose](),
  }
}

/**
 * What Sentinels ask and tell each other every second, or every ten, they do ten times a second. They go on sending PING every
 * second, as one that has not answered for five times that period is promoted by nobody. Before Redis 7 they cannot be told
 * to, and are slow.
 */
async function hurry(sentinel: Redis): Promise<void> {
  const periods = ['info', 'ask', 'publish'].flatMap((what) => [`${what}-period`, 100])
  await sentinel.call('SENTINEL', 'DEBUG', ...periods).catch(() => {})
}

/** Settles when the Sentinel sees all others and has heard from every server, so that it could act at once. */
async function watching(
  sentinel: Redis,
  replicas: number,
  patience: { readonly deadline?: number } = {},
): Promise<void> {
  const sees = async () => {
    const quorum = await sentinel.call('SENTINEL', 'CKQUORUM', name)
    if (typeof quorum !== 'string' || !quorum.startsWith('OK 3 usable')) return undefined
    const found = fields((await sentinel.call('SENTINEL', 'REPLICAS', name)) as RedisReply[])
    const usable = found.filter((one) => one['master-link-status'] === 'ok' && one.flags === 'slave')
    return usable.length === replicas ? true : undefined
  }
  await until(sees, `the Sentinel at port ${sentinel.port} to see everyone`, patience)
}

/** Lists of names and values in turn, as objects. */
function fields(lists: readonly RedisReply[]): Record<string, string>[] {
  return lists.map((list) => {
    const words = list as string[]
    return Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1] ?? '']] : [])))
  })
}
