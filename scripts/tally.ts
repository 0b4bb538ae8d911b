/** How many tests there were, by outcome. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: 0 }

export const onePassed: Tally = { ...nothing, passed: 1 }

export const oneFailed: Tally = { ...nothing, failed: 1 }

export function add(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

export function write({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** Good only where something ran and nothing failed. */
export function isGood({ passed, failed }: Tally): boolean {
  return failed === 0 && passed > 0
}

/**
 * What a runner did, from its JSON report and its exit code. A runner that crashed, wrote no report, or ended badly
 * without naming a failed test counts as one failure; so does one that ran nothing.
 */
export function tallyOf(report: string | undefined, exitCode: number | null, read: (report: unknown) => Tally): Tally {
  const tally = report === undefined ? nothing : parse(report, read)
  const isWorseThanItSays = tally.failed === 0 && (exitCode !== 0 || tally.passed === 0)
  return isWorseThanItSays ? add(tally, oneFailed) : tally
}

function parse(report: string, read: (report: unknown) => Tally): Tally {
  try {
    return read(JSON.parse(report))
  } catch {
    return nothing // A report that was cut short: the caller counts it as a failure.
  }
}

interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

export function readVitest(report: unknown): Tally {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = report as VitestReport
  // A file that cannot be loaded, or a hook that fails, is no failed test by vitest's count.
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
  )
  return {
    passed: numPassedTests,
    failed: numFailedTests + brokenFiles.length,
    skipped: numPendingTests + numTodoTests,
  }
}

interface PlaywrightReport {
  readonly stats: {
    readonly expected: number
    readonly unexpected: number
    readonly flaky: number
    readonly skipped: number
  }
  readonly errors: readonly unknown[]
}

export function readPlaywright(report: unknown): Tally {
  const { stats, errors } = report as PlaywrightReport
  return {
    passed: stats.expected,
    failed: stats.unexpected + stats.flaky + errors.length,
    skipped: stats.skipped,
  }
}
