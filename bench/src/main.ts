import { appendFile } from 'node:fs/promises'
import { pnpm } from '../../scripts/run.ts'
import { compressionTable, measureCompression } from './compression.ts'
import { buildGenerator } from './generator.ts'
import { get } from './get.ts'
import { machine } from './machine.ts'
import { measure } from './measure.ts'
import { help, type Options, readOptions, UsageError } from './options.ts'
import { defaultPeers, howToGet, isInstalled, peers } from './peers.ts'
import { faultOf, type Measurement } from './results.ts'
import { figureNames, type Row, rows } from './rows.ts'
import { number, tables } from './table.ts'

const say = (text: string) => void process.stderr.write(`${text}\n`)

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') process.stdout.write(`${help()}\n`)
  else await bench(options)
} catch (error) {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

async function bench(options: Options): Promise<void> {
  const built = await pnpm(['build'], { quiet: true })
  if (built.exitCode !== 0) throw new Error(`the hub cannot be built:\n${built.output}`)
  if (options.compression) return compression(options)
  const generator = await buildGenerator()
  const wanted = options.peers ?? defaultPeers
  if (options.get) await get(wanted)
  const here = wanted.filter((name) => isInstalled(peers[name]))
  const missing = wanted.filter((name) => !here.includes(name))
  if (missing.length > 0) say(howToGet(missing))

  const measurements: Measurement[] = []
  for (let round = 1; round <= options.rounds; round++) {
    for (const row of options.rows) {
      for (const peer of here) {
        const measured = await measure(generator, peer, row, { warmup: 1, duration: options.duration })
        measurements.push(measured)
        if (options.out !== undefined) await appendFile(options.out, `${JSON.stringify({ round, ...measured })}\n`)
        say(`${round}/${options.rounds}  ${row.padEnd(14)} ${peer.padEnd(11)} ${inWords(measured)}`)
      }
    }
  }
  process.stdout.write(`\n${await machine()}\n\n${tables(measurements)}\n`)
  if (measurements.some((one) => one.peer === 'hookbox' && faultOf(one) !== undefined)) process.exitCode = 1
}

async function compression({ rounds, duration, out }: Options): Promise<void> {
  const all = await measureCompression(rounds, duration, async ({ round, ...one }) => {
    if (out !== undefined) await appendFile(out, `${JSON.stringify({ round, ...one })}\n`)
    say(`${round}/${rounds}  ${one.peer.padEnd(16)} ${number(one.bytes)} bytes, ${number(one.cpu_us)} µs`)
  })
  process.stdout.write(`\n${await machine()}\n\n${compressionTable(all)}\n`)
  if (all.some(({ lost }) => lost !== 0)) process.exitCode = 1
}

function inWords(measured: Measurement): string {
  const { figures }: Row = rows[measured.row]
  const fault = faultOf(measured)
  if (fault !== undefined) return `broken: ${fault}`
  const told = figures.map((figure) => `${number(Number(measured[figure]))} ${figureNames[figure]}`)
  return [...told, ...(Number(measured.gen_cpu) > 0.97 ? ['(the generator is the limit)'] : [])].join(', ')
}
