import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startHubProcess } from '@hookbox/testkit'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { published } from '../scripts/packages.ts'
import { bin } from '../scripts/run.ts'
import { type Installation, install, readManifest } from './installation.ts'

let project: Installation
/** What the compiler says, by its settings. */
let compiled: Record<'node' | 'bundler', string>

beforeAll(async () => {
  project = await install(inject('tarballs'))
  const [node, bundler] = await Promise.all([compile('node'), compile('bundler')])
  compiled = { node, bundler }
})

afterAll(async () => {
  await project?.[Symbol.asyncDispose]()
})

async function compile(settings: string): Promise<string> {
  const args = ['-p', join(project.folder, `tsconfig.${settings}.json`), '--pretty', 'false']
  return promisify(execFile)(bin('tsc', 'consumers'), args, { cwd: project.folder }).then(
    () => '',
    ({ stdout, message }: { stdout?: string; message: string }) => stdout || message,
  )
}

test.each([
  { name: 'of Node, from modules', settings: 'node', ending: '.mts' },
  { name: 'of Node, from CommonJS', settings: 'node', ending: '.cts' },
  { name: 'of bundlers', settings: 'bundler', ending: '.ts' },
] as const)('the types are found by the rules $name', ({ settings, ending }) => {
  const problems = compiled[settings].split('\n').filter((line) => line !== '')
  // What is in no file of the programs, such as a declaration that does not compile, counts for each.
  const other = /^\w+\.(mts|cts)\(/
  expect(problems.filter((line) => line.includes(`${ending}(`) || !other.test(line))).toEqual([])
})

test.each(['entries.mts', 'entries.cts', 'entries.ts'])('every entry of the packages is in %s', async (file) => {
  const text = await readFile(join(project.folder, file), 'utf8')
  const specifiers = new Set([...text.matchAll(/'(@hookbox\/[^']+)'/g)].map(([, specifier]) => specifier))
  expect([...(await entries())].filter((entry) => !specifiers.has(entry))).toEqual([])
})

/** What may be imported, without patterns and manifests. */
async function entries(): Promise<string[]> {
  const all = await Promise.all(
    published.map(async (name) => {
      const { exports } = await readManifest(project.path(name))
      return Object.keys(exports).map((key) => join(`@hookbox/${name}`, key))
    }),
  )
  return all.flat().filter((entry) => !entry.includes('*') && !entry.endsWith('package.json'))
}

describe('in Node', () => {
  test('modules and CommonJS give the same names, and none is missing', async () => {
    const show =
      'console.log(JSON.stringify(Object.entries(entries).map(([name, entry]) => [name, Object.keys(entry).filter((key) => !/^(default|module[.]exports)$/.test(key)).sort()]).sort()))'
    const modules = await project.node(
      '--input-type=module',
      '-e',
      `import * as entries from './built/entries.mjs'; ${show}`,
    )
    const commonJs = await project.node(
      '--input-type=commonjs',
      '-e',
      `const { ...entries } = require('./built/entries.cjs'); ${show}`,
    )
    const names = Object.fromEntries(JSON.parse(modules)) as Record<string, string[]>
    expect(names.client).toEqual(expect.arrayContaining(['HookboxError', 'connect']))
    expect(names.protocol).toEqual(expect.arrayContaining(['HookboxError', 'decodeMessage', 'encodeFrame']))
    expect(names.server).toEqual(expect.arrayContaining(['createHookbox', 'refuse']))
    expect(names.probe).toEqual(['HookboxError', 'playHub'])
    expect(JSON.parse(commonJs)).toEqual(JSON.parse(modules))
  })

  test.each(['client.mjs', 'client.cjs'])('%s subscribes, publishes and hears itself', async (program) => {
    await using hub = await startHubProcess(['--open'], { script: project.command })
    expect(JSON.parse(await project.node(`built/${program}`, hub.url))).toEqual({
      heard: 'hello',
      duplicate: false,
      sameError: true,
    })
  })

  test.each(['hub.mjs', 'hub.cjs'])('%s holds a hub that refuses, and ends', async (program) => {
    expect(JSON.parse(await project.node(`built/${program}`))).toEqual({ user: 'ann', refusal: 'say something' })
  })

  test('the vectors are read as JSON', async () => {
    const vectors = (await readdir(project.path('protocol', 'vectors'))).sort()
    expect(vectors).toContain('client-frames.json')
    const read = await project.node(
      '-p',
      `JSON.stringify(${JSON.stringify(vectors)}.map((file) => typeof require('@hookbox/protocol/vectors/' + file)))`,
    )
    expect(JSON.parse(read)).toEqual(vectors.map(() => 'object'))
  })
})

describe('the command', () => {
  test('tells its version', async () => {
    const { version } = await readManifest(project.path('server'))
    expect(await project.hookbox('--version')).toBe(`${version}\n`)
  })

  test('tells its options', async () => {
    expect(await project.hookbox('--help')).toMatch(/^Usage: hookbox \[options\]\n/)
  })

  test('serves the script of the client that was published with it', async () => {
    await using hub = await startHubProcess(['--open'], { script: project.command })
    const served = await (await fetch(`${hub.url}/static/hookbox.js`)).text()
    expect(served).toBe(await readFile(project.path('client', 'dist/hookbox.js'), 'utf8'))
  })
})
