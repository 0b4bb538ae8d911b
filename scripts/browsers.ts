import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { hasApt, installByApt } from './apt.ts'
import { isCommand, onPath } from './commands.ts'
import { bin, root, run } from './run.ts'

/** The browsers of the tests, by the names that Playwright's projects use too. */
export const browserNames = ['chromium', 'firefox', 'webkit'] as const

export type BrowserName = (typeof browserNames)[number]

/**
 * Where a browser is: Playwright's own build, or a program of the system's. For WebKit on Linux that program is
 * WebKitWebDriver, as Playwright can drive no WebKit but its own.
 */
export type Found = { readonly own: true } | { readonly own: false; readonly path: string }

interface Known {
  readonly variable: string
  readonly commands: readonly string[]
  readonly paths: readonly string[]
  /** What it answers to where it is no placeholder, which only says how to install it. */
  readonly probe: '--version' | '--help'
  /** Commands that it cannot run without. */
  readonly needs: readonly string[]
  readonly debian: readonly string[]
  /** Whether it may be Playwright's own build. */
  readonly own: boolean
}

const known: { readonly [Name in BrowserName]: Known } = {
  chromium: {
    variable: 'HOOKBOX_CHROMIUM',
    commands: ['chromium', 'google-chrome-stable', 'google-chrome', 'chromium-browser', 'microsoft-edge'],
    paths: [
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
    ],
    probe: '--version',
    needs: [],
    debian: ['chromium'],
    own: true,
  },
  firefox: {
    variable: 'HOOKBOX_FIREFOX',
    commands: ['firefox-esr', 'firefox'],
    paths: ['/Applications/Firefox.app/Contents/MacOS/firefox'],
    probe: '--version',
    needs: [],
    debian: ['firefox-esr'],
    own: true,
  },
  webkit: {
    variable: 'HOOKBOX_WEBKIT',
    commands: ['WebKitWebDriver'],
    paths: [],
    probe: '--help',
    needs: ['Xvfb'],
    debian: ['webkit2gtk-driver', 'xvfb'],
    // on Linux the WebKit of the system is nearer to what people use
    own: process.platform !== 'linux',
  },
}

/** By environment variable, then Playwright's own, then the system's. Undefined where there is none. */
export function findBrowser(name: BrowserName): Found | undefined {
  const { variable } = known[name]
  const chosen = process.env[variable]
  if (chosen) {
    if (!existsSync(chosen))
      throw new Error(`${variable}: expected the path of a browser, got ${JSON.stringify(chosen)}`)
    return { own: false, path: chosen }
  }
  if (known[name].own && hasOwn(name)) return { own: true }
  const path = ofSystem(known[name])
  return path === undefined ? undefined : { own: false, path }
}

export interface Browsers {
  /** Tells Playwright's configuration where they are. */
  readonly env: Readonly<Record<string, string>>
  /** A sentence for each that is neither found nor could be installed. */
  readonly missing: readonly { readonly name: BrowserName; readonly help: string }[]
}

/** Finds the browsers, and installs those that are missing where that is possible. */
export async function needBrowsers(): Promise<Browsers> {
  const absent = () => browserNames.filter((name) => findBrowser(name) === undefined)
  const ownAbsent = absent().filter((name) => known[name].own)
  if (ownAbsent.length > 0) await installOwn(ownAbsent)
  if (absent().length > 0) await installByApt(absent().flatMap((name) => known[name].debian))
  const env: Record<string, string> = {}
  for (const name of browserNames) {
    const found = findBrowser(name)
    if (found && !found.own) env[known[name].variable] = found.path
  }
  return { env, missing: absent().map((name) => ({ name, help: helpFor(name) })) }
}

function helpFor(name: BrowserName): string {
  const { variable, needs, debian, own } = known[name]
  const ways = [
    ...(own ? [`run "npx playwright install ${name}" in e2e/`] : []),
    `install it with the system's packages (Debian: apt-get install ${debian.join(' ')})`,
    `set ${variable} to the path of ${name === 'webkit' ? 'WebKitWebDriver' : 'one'}`,
  ]
  const lacking = needs.filter((command) => !isCommand(command)).map((command) => ` (it needs ${command} too)`)
  return `${name} is missing and could not be installed${lacking.join('')}. Either ${ways.join(', or ')}`
}

function hasOwn(name: BrowserName): boolean {
  const require = createRequire(join(root, 'e2e', 'package.json'))
  try {
    const playwright = require('@playwright/test') as Record<BrowserName, { executablePath(): string }>
    return existsSync(playwright[name].executablePath())
  } catch {
    return false // Not installed, or none for this system: then it has no browser of its own either.
  }
}

function ofSystem({ commands, paths, probe, needs }: Known): string | undefined {
  if (!needs.every(isCommand)) return undefined
  return [...commands.flatMap(onPath), ...paths].find((path) => existsSync(path) && starts(path, probe))
}

function starts(path: string, probe: string): boolean {
  return spawnSync(path, [probe], { timeout: 20_000, stdio: 'ignore' }).status === 0
}

async function installOwn(names: readonly BrowserName[]): Promise<void> {
  console.log(`downloading ${names.join(' and ')} …`)
  const playwright = bin('playwright', 'e2e')
  const env = { PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '10000' }
  const { exitCode } = await run(playwright, ['install', ...names], { env, quiet: true })
  if (exitCode !== 0) console.log('the download failed')
  // They need libraries, which only root can install without being asked for a password.
  else if (hasApt()) await run(playwright, ['install-deps', ...names], { quiet: true })
}
