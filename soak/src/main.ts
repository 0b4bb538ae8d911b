import { line } from './line.ts'
import { type Command, help, readCommand, UsageError } from './options.ts'
import { type Result, soak } from './soak.ts'

// Ends its hubs, too: they are ended as this process exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const command = understand()
if (command === 'help') process.stdout.write(`${help()}\n`)
else if (command !== undefined) await run(command)

function understand(): Command | 'help' | undefined {
  try {
    return readCommand(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`soak: ${error.message}\n`)
    process.exitCode = 2
    return undefined
  }
}

async function run({ settings, hub, json }: Command): Promise<void> {
  const { scenario, seed } = settings
  process.stderr.write(`soak ${scenario} seed ${seed}\n`)
  const progress = (text: string) => void process.stderr.write(`${text}\n`)
  let result: Result
  if (hub !== undefined) result = await soak({ ...settings, hub }, progress)
  else {
    // Not needed, and not there, where the soak itself is a bundle.
    const { bundleFolder, bundleHub } = await import('./bundle.ts')
    await using folder = await bundleFolder()
    result = await soak({ ...settings, hub: await bundleHub(folder.path) }, progress)
  }
  for (const example of result.report.examples) process.stderr.write(`${example}\n`)
  if (result.violations > 0 && result.output !== '')
    process.stderr.write(`the hub wrote:\n${result.output.slice(-4_000)}\n`)
  process.stdout.write(`${json ? JSON.stringify(result) : line(result)}\n`)
  // What the run left waiting must not keep it here.
  process.exit(result.violations === 0 ? 0 : 1)
}
