import { type Address, connectionTo, isDistrust } from './connection.ts'
import { UnfitServer } from './failure.ts'

/**
 * Asks Sentinels, one after another, where the master is.
 *
 * @throws Error when none of them says; UnfitServer where trying again does not help
 */
export async function findMaster(
  sentinels: readonly Address[],
  master: string,
  as: Omit<Address, 'host' | 'port'>,
  timeout: number,
): Promise<Address> {
  let last: unknown
  for (const sentinel of sentinels) {
    try {
      const [host, port] = (await ask(sentinel, ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master], timeout)) as string[]
      if (host && Number(port) > 0) return { ...as, host, port: Number(port) }
    } catch (error) {
      last = error
    }
  }
  const why = last instanceof Error ? `: ${last.message}` : ''
  const Kind = last instanceof UnfitServer ? UnfitServer : Error
  throw new Kind(`no Sentinel says where ${JSON.stringify(master)} is${why}`, { cause: last })
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
    throw new (isDistrust(why) ? UnfitServer : Error)(text, { cause: why })
  } finally {
    clearTimeout(timer)
    redis.disconnect()
  }
}
