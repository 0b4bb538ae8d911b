import { appendFile } from 'node:fs/promises'
import { redisServer } from '../../scripts/redis.ts'
import { pnpm } from '../../scripts/run.ts'
import { howToGet as howToGetServer, needServers } from '../../scripts/servers.ts'
import { compressionTable, faultOfCompressed, measureCompression } from './compression.ts'
import { buildGenerator } from './generator.ts'
import { get } from './get.ts'
import { type Curve, curves, growthFigureNames } from './growth/curves.ts'
import { faultOfPoint, type Grown, measurePoint } from './growth/growth.ts'
import { growthTables } from './growth/growth-table.ts'
import { machine, versions } from './machine.ts'
import { measure, type Placing, type Told } from './measure.ts'
import {
  type CompressionOptions,
  type GrowthOptions,
  help,
  type Options,
  type PageOptions,
  type PeerOptions,
  readOptions,
  UsageError,
  type WorkersOptions,
} from './options.ts'
import { openBrowser } from './page/browser.ts'
import { faultOfPage, measurePage, type PageMeasured } from './page/measure-page.ts'
import { type PageRow, pageFigureNames, pageRows } from './page/page-rows.ts'
import { pageTables } from './page/page-table.ts'
import { defaultPeers, howToGet, isInstalled, type Peer, type PeerName, peers } from './peers.ts'
import { busy, faultOf, type Measurement } from './results.ts'
import { figureNames, type Row, type RowName, rows, takesPart } from './rows.ts'
import { number, tables } from './table.ts'
import { hubs, workersView } from './workers/workers.ts'

const say = (text: string) => void process.stderr.write(`${text}\n`)

// So that what this process has started ends with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') process.stdout.write(`${help()}\n`)
  else {
    const built = await pnpm(['build'], { quiet: true })
    if (built.exitCode !== 0) throw new Error(`the hub cannot be built:\n${built.output}`)
    const on = await machine()
    if (options.out !== undefined) await appendFile(options.out, `${JSON.stringify({ machine: on })}\n`)
    const { text, broken } = await reportOf(options)
    process.stdout.write(`\n${on}\n\n${text}\n`)
    if (broken) process.exitCode = 1
  }
} catch (error) {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

/** Tables, and whether something of ours that stands in them is broken. */
interface Report {
  readonly text: string
  readonly broken: boolean
}

function reportOf(options: Options): Promise<Report> {
  if (options.what === 'growth') return grow(options)
  if (options.what === 'page') return costOfPage(options)
  if (options.what === 'compression') return compress(options)
  if (options.what === 'workers') return compareWorkers(options)
  return compare(options)
}

async function compare(options: PeerOptions): Promise<Report> {
  const wanted = options.peers ?? defaultPeers
  if (options.get) await get(wanted)
  const here = wanted.filter((name) => isInstalled(peers[name]))
  const missing = wanted.filter((name) => !here.includes(name))
  if (missing.length > 0) say(howToGet(missing))
  const asked = options.rows.flatMap((row) =>
    here.filter((peer) => takesPart(peer, rows[row])).map((peer) => ({ row, peer })),
  )
  const measurements = await measureAll(options, await withRedis(asked), 'apart')
  const broken = measurements.some((one) => one.peer === 'hookbox' && faultOf(one) !== undefined)
  const usesRedis = measurements.some(({ row }) => (rows[row] as Row).redis)
  const beside = await versions([...new Set(measurements.map(({ peer }) => peer))], usesRedis)
  return { text: `${beside}\n\n${tables(measurements)}`, broken }
}

async function compareWorkers(options: WorkersOptions): Promise<Report> {
  const asked = options.rows.flatMap((row) => hubs.map((peer) => ({ row, peer })))
  const measurements = await measureAll(options, await withRedis(asked), 'anywhere')
  const broken = measurements.some((one) => faultOf(one) !== undefined)
  return { text: `${await versions([], true)}\n\n${tables(measurements, workersView)}`, broken }
}

interface Asked {
  readonly row: RowName
  readonly peer: PeerName
}

/** Without what takes a Redis, where there is none and it cannot be installed. */
async function withRedis(asked: readonly Asked[]): Promise<readonly Asked[]> {
  const takesOne = ({ row, peer }: Asked) => ((rows[row] as Row).redis ?? (peers[peer] as Peer).redis) === true
  const taking = asked.filter(takesOne)
  if (taking.length === 0 || (await needServers([redisServer])).missing.length === 0) return asked
  const what = taking.map(({ row, peer }) => `  ${row}, ${peer}`).join('\n')
  say(`There is no ${redisServer.command} (${howToGetServer(redisServer)}), and so not measured:\n${what}`)
  return asked.filter((one) => !takesOne(one))
}

/** One after the other, several times. */
async function measureAll(
  options: PeerOptions | WorkersOptions,
  asked: readonly Asked[],
  placing: Placing,
): Promise<Measurement[]> {
  const generator = await buildGenerator()
  const measurements: Measurement[] = []
  for (let round = 1; round <= options.rounds; round++) {
    for (const { row, peer } of asked) {
      const measured = await measure(generator, peer, row, { warmup: 1, duration: options.duration }, placing)
      measurements.push(measured)
      await keep(options, round, measured)
      say(`${round}/${options.rounds}  ${row.padEnd(14)} ${peer.padEnd(11)} ${inWords(measured)}`)
    }
  }
  return measurements
}

async function grow(options: GrowthOptions): Promise<Report> {
  const generator = await buildGenerator()
  const measured: Grown[] = []
  for (let round = 1; round <= options.rounds; round++) {
    for (const name of options.rows) {
      const { points, grows }: Curve = curves[name]
      for (const point of points) {
        const grown = await measurePoint(generator, name, point, { warmup: 1, duration: options.duration })
        measured.push(grown)
        await keep(options, round, grown)
        say(`${round}/${options.rounds}  ${name.padEnd(17)} ${point.at} ${grows}: ${pointInWords(grown)}`)
      }
    }
  }
  return { text: growthTables(measured), broken: measured.some((one) => faultOfPoint(one) !== undefined) }
}

async function costOfPage(options: PageOptions): Promise<Report> {
  const browser = await openBrowser()
  try {
    const measured: PageMeasured[] = []
    for (let round = 1; round <= options.rounds; round++) {
      for (const row of options.rows) {
        const one = await measurePage(browser, row)
        measured.push(one)
        await keep(options, round, one)
        say(`${round}/${options.rounds}  ${row.padEnd(14)} ${pageInWords(one)}`)
      }
    }
    const text = `Chromium ${browser.version()}\n\n${pageTables(measured)}`
    return { text, broken: measured.some((one) => faultOfPage(one) !== undefined) }
  } finally {
    await browser.close()
  }
}

async function compress(options: CompressionOptions): Promise<Report> {
  const all = await measureCompression(options.rounds, options.duration, async ({ round, ...one }) => {
    await keep(options, round, one)
    const fault = faultOfCompressed(one)
    const words =
      fault === undefined ? `${number(Number(one.bytes))} bytes, ${number(Number(one.cpu_us))} µs` : `broken: ${fault}`
    say(`${round}/${options.rounds}  ${one.peer.padEnd(16)} ${words}`)
  })
  const text = `${await versions(['ws loop'])}\n\n${compressionTable(all)}`
  return { text, broken: all.some((one) => faultOfCompressed(one) !== undefined) }
}

async function keep({ out }: Options, round: number, measured: Told): Promise<void> {
  if (out !== undefined) await appendFile(out, `${JSON.stringify({ round, ...measured })}\n`)
}

function inWords(measured: Measurement): string {
  const { figures }: Row = rows[measured.row]
  return faultOf(measured) === undefined
    ? figuresInWords(measured, figures, figureNames)
    : `broken: ${faultOf(measured)}`
}

function pointInWords(grown: Grown): string {
  const { figures }: Curve = curves[grown.curve]
  const fault = faultOfPoint(grown)
  return fault === undefined ? figuresInWords(grown, figures, growthFigureNames) : `broken: ${fault}`
}

function pageInWords(measured: PageMeasured): string {
  const { figures }: PageRow = pageRows[measured.row]
  const fault = faultOfPage(measured)
  return fault === undefined ? figuresInWords(measured, figures, pageFigureNames) : `broken: ${fault}`
}

function figuresInWords<F extends string>(
  told: Told,
  figures: readonly F[],
  names: Readonly<Record<F, string>>,
): string {
  const words = figures.map((figure) => `${number(Number(told[figure]))} ${names[figure]}`)
  return [...words, ...(Number(told.gen_cpu) >= busy.generator ? ['(the generator is the limit)'] : [])].join(', ')
}
