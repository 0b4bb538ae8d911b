/** Whether nobody sees what is left out: there a test that cannot run is a failed one. */
export function onCi(): boolean {
  const { CI = '' } = process.env
  return CI !== '' && CI !== '0' && CI !== 'false'
}

/** A Redis that runs already, for tests that only use one. */
export function redisUrl(): string | undefined {
  return process.env.REDIS_URL || undefined
}

/** Where programs are found that tests start. */
export function programPath(): string {
  return process.env.PATH ?? ''
}
