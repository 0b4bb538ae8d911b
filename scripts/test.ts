import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { onCi } from '../packages/testkit/src/environment.ts'
import { browserNames, needBrowsers } from './browsers.ts'
import { buildAll } from './build.ts'
import { contractRows, rowsWithoutTest } from './contract-rows.ts'
import { needPromtool } from './prometheus.ts'
import { needProxies } from './proxies.ts'
import { needRedis } from './redis.ts'
import { bin, type Run, root, run } from './run.ts'
import type { Servers } from './servers.ts'
import {
  add,
  isGood,
  nothing,
  oneFailed,
  onePassed,
  readPlaywright,
  readVitest,
  type Tally,
  tallyOf,
  write,
} from './tally.ts'

type Part = 'check' | 'e2e'

/** One kind of test. It says itself what went wrong. */
interface Section {
  readonly name: string
  readonly parts: readonly Part[]
  /** Without it most of what comes after would only say the same again. */
  readonly vital?: true
  run(reports: string): Promise<Tally>
}

const roomsTest = 'scripts/rooms.test.ts'
const soakTests = 'soak/test/'

/** Vitest would leave one alone, and with two have a single worker: half of the machine would stand idle. */
const allProcessors = '--maxWorkers=100%'

/** Those that wait for a Redis to notice something work little meanwhile. */
const oneMore = `--maxWorkers=${availableParallelism() + 1}`

/** What tests need that is no package of ours, by which of them need it. What is missing is got, once. */
const needed = {
  redis: { parts: ['check', 'e2e'], get: once(needRedis) },
  proxies: { parts: ['check'], get: once(needProxies) },
  promtool: { parts: ['check'], get: once(needPromtool) },
  browsers: { parts: ['e2e'], get: once(needBrowsers) },
} as const

/** Cheap ones first, so that a slip is seen at once; all that can run do, so that one run shows everything. */
const sections: readonly Section[] = [
  {
    name: 'format and lint',
    parts: ['check'],
    run: async () => verdict(await run(bin('biome'), ['ci', '.'])),
  },
  { name: 'types', parts: ['check'], run: types },
  { name: 'import rules', parts: ['check'], run: (reports) => vitest([roomsTest], join(reports, 'rooms.json')) },
  {
    name: 'build',
    parts: ['check', 'e2e'],
    vital: true,
    run: async () => {
      const built = await buildAll()
      if (built.exitCode !== 0) console.log(built.output)
      return verdict(built)
    },
  },
  {
    name: 'size of the client',
    parts: ['check'],
    run: async () =>
      verdict(await run(bin('size-limit', 'packages/client'), [], { cwd: join(root, 'packages/client') })),
  },
  {
    name: 'packages',
    parts: ['check'],
    run: (reports) => vitest(['--config', 'consumers/vitest.config.ts', allProcessors], join(reports, 'packages.json')),
  },
  { name: 'unused code', parts: ['check'], run: async () => verdict(await run(bin('knip'), [])) },
  // Before the tests that start them.
  { name: 'Redis', parts: ['check', 'e2e'], run: async () => found(await needed.redis.get()) },
  { name: 'reverse proxies', parts: ['check'], run: async () => found(await needed.proxies.get()) },
  { name: 'promtool', parts: ['check'], run: async () => found(await needed.promtool.get()) },
  {
    name: 'unit tests',
    parts: ['check'],
    run: (reports) =>
      vitest(['--exclude', roomsTest, '--exclude', `${soakTests}**`, oneMore], join(reports, 'unit.json')),
  },
  // By itself, as it keeps all processors busy.
  {
    name: 'soak',
    parts: ['check'],
    run: (reports) => vitest([soakTests], join(reports, 'soak.json')),
  },
  { name: 'contract rows', parts: ['check'], run: contract },
  { name: 'browser tests', parts: ['e2e'], run: browserTests },
]

function once<T>(get: () => Promise<T>): () => Promise<T> {
  let got: Promise<T> | undefined
  return () => {
    got ??= get()
    return got
  }
}

/** Getting is waiting above all, so it begins with the first section; one after another, as the system installs one at a time. */
async function getAhead(part: Part | undefined, isOver: () => boolean): Promise<void> {
  for (const { parts, get } of Object.values(needed)) {
    if (isOver()) return
    if (part === undefined || parts.some((one) => one === part)) await get()
  }
}

function verdict({ exitCode }: Run): Tally {
  return exitCode === 0 ? onePassed : oneFailed
}

/** Servers that some tests need: whoever has one not may go on without these tests, CI may not. */
function found({ found, missing }: Servers): Tally {
  for (const help of missing) console.log(help)
  return { ...nothing, passed: found, [onCi() ? 'failed' : 'skipped']: missing.length }
}

/** By the compiler that is a native program, as many at a time as there are processors. */
async function types(): Promise<Tally> {
  const projects = await typeScriptProjects()
  let sum = nothing
  const checkNext = async () => {
    for (let project = projects.pop(); project !== undefined; project = projects.pop()) {
      const checked = await run(bin('tsc'), ['--noEmit', '--pretty', '-p', project], { quiet: true })
      if (checked.exitCode !== 0) console.log(`${relative(root, project) || '.'}:\n${checked.output}`)
      sum = add(sum, verdict(checked))
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, checkNext))
  return sum
}

async function typeScriptProjects(): Promise<string[]> {
  const parents = ['packages', 'apps'].map((parent) => join(root, parent))
  const children = await Promise.all(
    parents.map(async (parent) => (await readdir(parent)).map((child) => join(parent, child))),
  )
  const packages = children.flat()
  const folders = [
    root,
    join(root, 'e2e'),
    join(root, 'consumers'),
    join(root, 'soak'),
    join(root, 'bench'),
    join(root, 'examples', 'test'),
    ...packages,
    ...packages.map((folder) => join(folder, 'test')),
  ]
  return folders.filter((folder) => existsSync(join(folder, 'tsconfig.json')))
}

async function vitest(args: readonly string[], report: string): Promise<Tally> {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { exitCode } = await run(bin('vitest'), ['run', ...args, ...reporters])
  return tallyOf(await read(report), exitCode, readVitest)
}

/** By the report of the unit tests: every row of the contract is named by a test that passed. */
async function contract(reports: string): Promise<Tally> {
  const report = await read(join(reports, 'unit.json'))
  const rows = contractRows()
  const missing = report === undefined ? rows : rowsWithoutTest(JSON.parse(report), rows)
  for (const { row, file } of missing) console.log(`no test passed for ${row}: expected one in ${file}`)
  return { ...nothing, passed: rows.length - missing.length, failed: missing.length }
}

async function browserTests(reports: string): Promise<Tally> {
  const { env, missing } = await needed.browsers.get()
  let tally = nothing
  for (const { help } of missing) {
    console.log(help)
    tally = add(tally, oneFailed)
  }
  const isThere = (name: string) => missing.every((one) => one.name !== name)
  const projects = browserNames.filter(isThere).map((name) => `--project=${name}`)
  if (projects.length === 0) return tally
  const report = join(reports, 'browsers.json')
  const { exitCode } = await run(bin('playwright', 'e2e'), ['test', '--reporter=line,json', ...projects], {
    cwd: join(root, 'e2e'),
    env: { ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: report },
  })
  return add(tally, tallyOf(await read(report), exitCode, readPlaywright))
}

async function read(file: string): Promise<string | undefined> {
  return existsSync(file) ? await readFile(file, 'utf8') : undefined
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1_000).toFixed(1)} s`
}

async function main(part: string | undefined): Promise<void> {
  if (part !== undefined && part !== 'check' && part !== 'e2e') {
    throw new Error(`expected check, e2e or nothing, got ${JSON.stringify(part)}`)
  }
  let over = false
  // What cannot be got is said where it is asked for.
  getAhead(part, () => over).catch(() => {})
  const reports = await mkdtemp(join(tmpdir(), 'hookbox-test-'))
  const lines: string[] = []
  let sum = nothing
  try {
    for (const section of sections) {
      if (part !== undefined && !section.parts.includes(part)) continue
      console.log(`\n── ${section.name}`)
      const begun = Date.now()
      // A section that breaks is a failed one, and the others still run.
      const tally = await section.run(reports).catch((error: unknown) => {
        console.log(error)
        return oneFailed
      })
      const line = `── ${section.name}: ${write(tally)} (${seconds(begun)})`
      console.log(line)
      lines.push(line)
      sum = add(sum, tally)
      if (section.vital && !isGood(tally)) break
    }
  } finally {
    over = true
    await rm(reports, { recursive: true, force: true })
  }
  process.exitCode = isGood(sum) ? 0 : 1
  console.log(`\n${lines.join('\n')}\n\n${write(sum)}`)
}

await main(process.argv[2])
