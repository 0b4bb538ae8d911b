import { type Redis, type RedisOptions, replicating } from './redis.ts'
import { callRedis, type RedisReply } from './redis-call.ts'
import { RedisGroup } from './redis-group.ts'
import { until } from './until.ts'
import { patience } from './within.ts'

export interface RedisClusterOptions {
  /** A replica for each master; default false. */
  readonly replicas?: boolean
  readonly password?: string
  readonly persistence?: RedisOptions['persistence']
  /** Milliseconds of silence after which a node is taken for dead; default 1,000. */
  readonly nodeTimeout?: number
}

/** A Redis Cluster of three masters, each with a third of the slots. */
export interface RedisCluster extends AsyncDisposable {
  /** In the order of the slots that they began with. */
  readonly masters: readonly [Redis, Redis, Redis]
  /** Each began as the replica of the master in the same place; none without `replicas`. */
  readonly replicas: readonly Redis[]
  slotOf(key: string): number
  /** The node that has the slot, by the nodes that answer; undefined while they do not agree, or nobody has it. */
  ownerOf(slot: number): Promise<Redis | undefined>
  /** Carries a slot with all of its keys to another master, as resharding does. Settles when every node that runs knows. */
  moveSlot(slot: number, to: Redis): Promise<void>
  /** Settles when every node that runs takes commands for every slot, after failovers, too. */
  ready(): Promise<void>
}

const slots = 16_384
const mastersCount = 3

/** Milliseconds for what needs the nodes to agree. */
const slow = 20_000

/** Milliseconds after which a node is taken for one that is stopped. */
const silence = 500

/** Keys that are carried at once. */
const batch = 100

export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const group = new RedisGroup()
  try {
    return await startIn(group, options)
  } catch (error) {
    await group[Symbol.asyncDispose]()
    throw error
  }
}

async function startIn(group: RedisGroup, options: RedisClusterOptions): Promise<RedisCluster> {
  const { password, persistence = 'none', nodeTimeout = 1_000 } = options
  const count = options.replicas ? 2 * mastersCount : mastersCount
  const nodes = await group.startAll(
    Array.from({ length: count }, () => ({
      persistence,
      cluster: true,
      config: [`cluster-node-timeout ${nodeTimeout}`],
      ...(password === undefined ? {} : { password }),
    })),
  )
  const masters = nodes.slice(0, mastersCount) as [Redis, Redis, Redis]
  const replicas = nodes.slice(mastersCount)
  await join(masters, replicas)

  /** What each node says that answers. One that is stopped must not hold up the others. */
  async function answering(): Promise<View[]> {
    const views = await Promise.all(nodes.map((node) => viewOf(node).catch(() => undefined)))
    return views.filter((view) => view !== undefined)
  }

  async function ownerOf(slot: number): Promise<Redis | undefined> {
    const [first, ...more] = (await answering()).map(({ ranges }) => ranges.find(isIn(slot))?.port)
    return more.every((port) => port === first) ? nodes.find(({ port }) => port === first) : undefined
  }

  function ready(): Promise<true> {
    const isReady = async () => {
      const views = await answering()
      const ranges = JSON.stringify(views[0]?.ranges)
      const isAgreed = views.every((view) => view.ok && view.known === count && JSON.stringify(view.ranges) === ranges)
      const owners = new Set(views[0]?.ranges.map(({ port }) => port))
      const areThere = [...owners].every((owner) => views.some(({ port, role }) => port === owner && role === 'master'))
      return isAgreed && areThere && owners.size > 0 ? true : undefined
    }
    return until(isReady, 'the cluster to be ready', { deadline: slow })
  }

  async function moveSlot(slot: number, to: Redis): Promise<void> {
    const from = await ownerOf(slot)
    if (from === undefined) throw new Error(`expected a slot that somebody has, got ${slot}`)
    if (from === to) return
    const auth = password === undefined ? [] : ['AUTH', password]
    await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(from))
    await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(to))
    for (;;) {
      const keys = (await from.call('CLUSTER', 'GETKEYSINSLOT', slot, batch)) as string[]
      if (keys.length === 0) break
      await from.call('MIGRATE', '127.0.0.1', to.port, '', 0, patience, ...auth, 'KEYS', ...keys)
    }
    // The new owner first: were it to hear of it last, nobody might have the slot meanwhile.
    const id = await idOf(to)
    for (const node of [to, from]) await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', id)
    const known = async () => ((await ownerOf(slot)) === to ? true : undefined)
    await until(known, `all nodes to know whose slot ${slot} is`, { deadline: slow })
  }

  await ready()
  return {
    masters,
    replicas,
    slotOf,
    ownerOf,
    moveSlot,
    async ready() {
      await ready()
    },
    [Symbol.asyncDispose]: () => group[Symbol.asyncDispose](),
  }
}

/** Makes one cluster of nodes that do not know each other. */
async function join(masters: readonly Redis[], replicas: readonly Redis[]): Promise<void> {
  await Promise.all(
    masters.map(async (master, place) => {
      const bound = (third: number) => Math.round((third * slots) / mastersCount)
      const own = Array.from({ length: bound(place + 1) - bound(place) }, (_, i) => bound(place) + i)
      // Else several begin with the same, and have to come to terms first.
      await master.call('CLUSTER', 'SET-CONFIG-EPOCH', place + 1)
      await master.call('CLUSTER', 'ADDSLOTS', ...own)
    }),
  )
  const nodes = [...masters, ...replicas]
  for (const node of nodes) {
    for (const other of nodes) if (other !== node) await node.call('CLUSTER', 'MEET', '127.0.0.1', other.port)
  }
  await Promise.all(
    replicas.map(async (replica, place) => {
      const id = await idOf(masters[place])
      // Refused until the two have met.
      const follow = async () => (await replica.call('CLUSTER', 'REPLICATE', id)) as string
      await until(follow, `${replica.url} to meet its master`, { deadline: slow })
      await replicating(replica, { deadline: slow })
    }),
  )
}

async function idOf(node: Redis | undefined): Promise<string> {
  return String(await node?.call('CLUSTER', 'MYID'))
}

interface Range {
  readonly low: number
  readonly high: number
  readonly port: number
}

/** The cluster as one node sees it. */
interface View {
  readonly port: number
  readonly role: string
  readonly ok: boolean
  readonly known: number
  readonly ranges: readonly Range[]
}

async function viewOf({ url, port }: Redis): Promise<View> {
  const ask = (...command: string[]) => callRedis(url, command, silence)
  const [role, info, ranges] = await Promise.all([ask('ROLE'), ask('CLUSTER', 'INFO'), ask('CLUSTER', 'SLOTS')])
  return {
    port,
    role: String((role as RedisReply[])[0]),
    ok: String(info).includes('cluster_state:ok'),
    known: Number(/cluster_known_nodes:(\d+)/.exec(String(info))?.[1]),
    ranges: (ranges as [number, number, [string, number]][])
      .map(([low, high, [, owner]]) => ({ low, high, port: owner }))
      .sort((a, b) => a.low - b.low),
  }
}

function isIn(slot: number): (range: Range) => boolean {
  return ({ low, high }) => low <= slot && slot <= high
}

/** By the rules of Redis Cluster: CRC-16 (XMODEM) of the key, or of what is between its first braces. */
function slotOf(key: string): number {
  const tag = /^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key
  let crc = 0
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)
    crc &= 0xffff
  }
  return crc % slots
}
