import { type Address, connectionTo, isRefusal } from './connection.ts'
import { UnfitServer } from './failure.ts'
import { numberOf, pairsOf, textOf } from './replies.ts'

interface Named {
  readonly host: string
  readonly port: number
  /** Grows with each failover. */
  readonly epoch: number
}

/**
 * Asks Sentinels where the master is. One that is cut off from the others goes on naming the old master, so the newest word of
 * more than half of them counts, or of all that answer.
 *
 * @throws Error when none of them says; UnfitServer where trying again does not help
 */
export async function findMaster(
  sentinels: readonly Address[],
  master: string,
  as: Omit<Address, 'host' | 'port'>,
  timeout: number,
): Promise<Address> {
  const named: Named[] = []
  const failures: unknown[] = []
  await new Promise<void>((enough) => {
    const look = () => {
      if (named.length * 2 > sentinels.length || named.length + failures.length === sentinels.length) enough()
    }
    for (const sentinel of sentinels) {
      const asking = ask(sentinel, ['SENTINEL', 'MASTER', master], timeout).then(readMaster)
      asking
        .then(
          (one) => named.push(one),
          (error: unknown) => failures.push(error),
        )
        .then(look)
    }
  })
  const [newest] = named.toSorted((a, b) => b.epoch - a.epoch)
  if (newest) return { ...as, host: newest.host, port: newest.port }
  const why = failures.map((error) => (error instanceof Error ? error.message : String(error))).join('; ')
  const Kind = failures.every((error) => error instanceof UnfitServer) ? UnfitServer : Error
  throw new Kind(`no Sentinel says where ${JSON.stringify(master)} is: ${why}`, { cause: failures[0] })
}

/** One question on a connection of its own. @throws Error, UnfitServer */
export async function ask(
  address: Address,
  command: readonly [string, ...string[]],
  timeout: number,
): Promise<unknown> {
  const { Redis } = await import('ioredis')
  let failure: Error | undefined
  const redis = connectionTo(Redis, { ...address, database: 0 }, timeout, (error) => {
    failure ??= error
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), timeout)
  })
  const [name, ...args] = command
  const asked = redis.connect().then(() => redis.call(name, ...args))
  try {
    return await Promise.race([asked, late])
  } catch (error) {
    const why = failure ?? error
    const text = `${address.host}:${address.port}: ${why instanceof Error ? why.message : String(why)}`
    throw new (isRefusal(why) ? UnfitServer : Error)(text, { cause: why })
  } finally {
    clearTimeout(timer)
    redis.disconnect()
  }
}

function readMaster(reply: unknown): Named {
  const fields = new Map(pairsOf(reply))
  return {
    host: textOf(fields.get('ip')),
    port: numberOf(fields.get('port')),
    epoch: numberOf(fields.get('config-epoch')),
  }
}
