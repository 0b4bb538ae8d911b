import { isObject } from '@hookbox/protocol'
import type { Clock } from '../../clock.ts'
import { randomId } from '../../ids.ts'
import type { Broker, LeaseKey, Leases } from '../broker.ts'
import { type Found, type Place, readUrls } from './address.ts'
import { RedisBus } from './bus.ts'
import { redisChannels } from './channels.ts'
import { Cluster } from './cluster.ts'
import { Context } from './context.ts'
import { unreadable } from './failure.ts'
import { Keys } from './keys.ts'
import { RedisLeases } from './leases.ts'
import { Link, type LinkParts } from './link.ts'
import { type RedisLog, redisLog } from './log.ts'
import { RedisMailbox } from './mailbox.ts'
import { redisMessages } from './messages.ts'
import { RedisNodes } from './nodes.ts'
import { redisPresence } from './presence.ts'
import { parsed, textOf } from './replies.ts'
import { findMaster } from './sentinel.ts'
import type { Servers } from './servers.ts'
import type { Log } from './settings.ts'
import { defaultSettings, type Settings } from './settings.ts'
import { Shards } from './shards.ts'
import { redisUsers } from './users.ts'

export interface RedisBrokerOptions extends Partial<Settings> {
  /**
   * - `redis://…` or `rediss://user:password@host:port/db`: one server. Several are shards that know nothing of each other, by
   *   which channels and users are parted; all nodes must name them in the same order.
   * - `redis+sentinel://host:port,host:port/master/db`: the master that Sentinels name (with `?sentinel_password=`).
   * - `redis+cluster://host:port,host:port`: a cluster, by some of its nodes.
   */
  readonly urls: readonly string[]
  /** What all keys and topics begin with; default `hookbox:`. */
  readonly prefix?: string
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds until Redis must have been reached for the first time; default 10,000. */
  readonly patience?: number
}

/** A broker over Redis, for many nodes. */
export interface RedisBroker extends Broker {
  readonly log: RedisLog
  /**
   * Settles when Redis can be reached; {@link Nodes.start} waits for it. What is asked before fails with `unavailable`.
   *
   * @throws Error where Redis does not let this hub in, is too old, or cannot be reached in time
   */
  ready(): Promise<void>
  /** Why all that is asked, or some of it, fails at the moment; undefined where every server can be reached. */
  readonly trouble: string | undefined
  /** This node vanishes, as if its process were killed. */
  crash(): Promise<void>
}

/**
 * Joins the nodes that share a Redis, 7.0 or newer.
 *
 * @throws Error where a URL is none
 */
export function createRedisBroker(options: RedisBrokerOptions): RedisBroker {
  const { urls, prefix = 'hookbox:', clock, log, patience = 10_000, ...given } = options
  const settings: Settings = { ...defaultSettings, ...given }
  const place = readUrls(urls)
  const keys = new Keys(prefix, databaseOf(place))
  const self = randomId()
  const uncertain = () => parts.nodes.uncertain()
  const servers: Servers =
    place.kind === 'cluster'
      ? new Cluster({ nodes: place.nodes, keys, self, settings, log, uncertain })
      : new Shards(place.shards.map((found) => (shards) => linkTo(found, shards)))
  const parts = assemble(new Context({ servers, keys, clock, log, settings }), patience)
  return parts.broker

  function linkTo(found: Found, shards: Shards): Link {
    const { name, find } = wayTo(found, settings)
    const probeTopic = () => keys.probe(self, 0).topic
    const events = {
      up: (link: Link) => shards.topics.renew(link),
      uncertain,
      told: shards.topics.told,
      shaken: (link: Link) => shards.topics.mend(link),
    }
    return new Link({ name, find, probeTopic, settings, log, events })
  }
}

/** The facets of one node's broker, and what connects them. */
function assemble(context: Context, patience: number): { broker: RedisBroker; nodes: RedisNodes } {
  const { servers, log } = context
  const mailbox = new RedisMailbox(context)
  const nodes = new RedisNodes({ context, mailbox, patience, onExpelled: () => leases.loseAll() })
  const self = () => nodes.id
  const notify = (node: string, what: 'wanted' | 'free', key: LeaseKey) => {
    mailbox.post(node, `${what === 'wanted' ? 'W' : 'F'} ${JSON.stringify(key)}`).catch((err: unknown) => {
      // Whoever waits asks again after a while.
      log.debug({ err }, 'could not tell of a lease')
    })
  }
  const leases = new RedisLeases({ context, self, notify })
  mailbox.read('W', (text) => leases.notified('wanted', readLeaseKey(text)))
  mailbox.read('F', (text) => leases.notified('free', readLeaseKey(text)))
  const isThere = async (node: string) => (await nodes.all()).includes(node)
  const bus = new RedisBus({ context, mailbox, self, isThere })

  function end(): void {
    context.close()
    leases.close()
    bus.close()
  }

  const broker: RedisBroker = {
    channels: context.whileOpen(redisChannels(context)),
    log: context.whileOpen(redisLog(context)),
    presence: context.whileOpen(redisPresence(context)),
    users: context.whileOpen(redisUsers(context, self)),
    messages: context.whileOpen(redisMessages(context)),
    leases: context.whileOpen<Leases>({ take: leases.take, wait: leases.wait, freed: leases.freed }),
    bus,
    nodes,
    get trouble() {
      return servers.trouble
    },
    ready: () => nodes.begin(),
    async close() {
      if (context.isClosed) return
      end()
      try {
        await leases.releaseAll()
        await nodes.close()
      } catch (err) {
        // The others find out by themselves.
        log.debug({ err }, 'could not tell the other nodes that this one leaves')
      }
      servers.close()
    },
    async crash() {
      end()
      nodes.crash()
      servers.close()
    },
  }
  return { broker, nodes }
}

function wayTo(found: Found, { connectTimeout }: Settings): Pick<LinkParts, 'name' | 'find'> {
  if (found.kind === 'server') {
    const { address } = found
    return { name: `Redis at ${address.host}:${address.port}`, find: async () => address }
  }
  const { sentinels, master, as } = found
  return { name: `Redis master ${master}`, find: () => findMaster(sentinels, master, as, connectTimeout) }
}

function databaseOf(place: Place): string {
  if (place.kind === 'cluster') return '0'
  return place.shards.map((one) => (one.kind === 'server' ? one.address : one.as).database).join(',')
}

function readLeaseKey(text: string): LeaseKey {
  const key = parsed(text)
  if (!isObject(key)) throw unreadable('a lease')
  const { of, channel = '', user = '', idKey = '', id = '' } = key
  if (of === 'create' || of === 'destroy' || of === 'poll') return { of, channel: textOf(channel) }
  if (of === 'visit') return { of, channel: textOf(channel), user: textOf(user) }
  if (of === 'publish') return { of, channel: textOf(channel), idKey: textOf(idKey) }
  if (of === 'message') return { of, user: textOf(user), id: textOf(id) }
  throw unreadable('a lease')
}
