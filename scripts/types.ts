import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import ts from 'typescript'
import { root } from './run.ts'
import { add, nothing, oneFailed, onePassed, type Tally } from './tally.ts'

/**
 * Checks TypeScript projects, one after another, and says what is wrong. It is what `tsc --build` does: the declarations of
 * Node, of browsers and of dependencies, most of what a compiler reads, are read once for all projects.
 */
function check(projects: readonly string[]): Tally {
  const found: ts.Diagnostic[] = []
  // No builder that remembers: each run checks everything, whatever an earlier one has seen.
  const host = ts.createSolutionBuilderHost(ts.sys, ts.createAbstractBuilder, (diagnostic) => found.push(diagnostic))
  host.writeFile = () => {}
  const solution = ts.createSolutionBuilder(host, projects, { force: true })
  let tally = nothing
  for (let next = solution.getNextInvalidatedProject(); next; next = solution.getNextInvalidatedProject()) {
    const exitStatus = next.done()
    const isGood = exitStatus === ts.ExitStatus.Success && found.length === 0
    tally = add(tally, isGood ? onePassed : oneFailed)
    if (!isGood) console.log(`${relative(root, next.project)}:\n${write(found.splice(0))}`)
  }
  return tally
}

function write(diagnostics: readonly ts.Diagnostic[]): string {
  return ts.formatDiagnosticsWithColorAndContext(diagnostics, {
    getCurrentDirectory: () => root,
    getCanonicalFileName: (name) => name,
    getNewLine: () => '\n',
  })
}

const [report, ...projects] = process.argv.slice(2)
if (report === undefined) throw new Error('expected the name of a report to write, and projects')
writeFileSync(report, JSON.stringify(check(projects)))
