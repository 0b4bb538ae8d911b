import type { Address } from './line.ts'

/**
 * Asks Sentinels, one after another, where the master is.
 *
 * @throws Error when none of them says
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
  throw new Error(`no Sentinel says where ${JSON.stringify(master)} is`, { cause: last })
}

/** One question on a connection of its own. */
export async function ask(
  address: Address,
  command: readonly [string, ...string[]],
  timeout: number,
): Promise<unknown> {
  const { host, port, username, password, tls } = address
  const { Redis } = await import('ioredis')
  const redis = new Redis({
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    connectTimeout: timeout,
    disableClientInfo: true,
    lazyConnect: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    retryStrategy: null,
  })
  redis.on('error', () => {
    // The question fails with it.
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${host}:${port} does not answer`)), timeout)
  })
  const [name, ...args] = command
  const asked = redis.connect().then(() => redis.call(name, ...args))
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
    redis.disconnect()
  }
}
