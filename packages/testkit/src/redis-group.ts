import { type Redis, type RedisOptions, startRedis } from './redis.ts'

/** Servers that are ended together, also where one of them does not start. */
export class RedisGroup implements AsyncDisposable {
  readonly #starting: Promise<Redis>[] = []

  start(options: RedisOptions): Promise<Redis> {
    const starting = startRedis(options)
    this.#starting.push(starting)
    return starting
  }

  startAll(options: readonly RedisOptions[]): Promise<Redis[]> {
    return Promise.all(options.map((one) => this.start(one)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const settled = await Promise.allSettled(this.#starting)
    await Promise.all(settled.map((one) => (one.status === 'fulfilled' ? one.value[Symbol.asyncDispose]() : undefined)))
  }
}
