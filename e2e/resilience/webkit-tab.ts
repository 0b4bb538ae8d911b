import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import type { Json } from '@hookbox/protocol'
import { freePort, within } from '@hookbox/testkit'
import { Builder, Capabilities, type WebDriver } from 'selenium-webdriver'
import { tellFrozen } from './playwright-tab.ts'
import type { Browser, Tab } from './tab.ts'

/** The system's WebKit, which WebDriver drives: `driver` is the path of WebKitWebDriver. It gets a display that nobody sees. */
export async function launchWebKit(driver: string): Promise<Browser> {
  const started: ChildProcess[] = []
  const close = async (): Promise<void> => {
    for (const child of started.splice(0).reverse()) await end(child)
  }
  try {
    const display = await startDisplay(started)
    const port = await startDriver(driver, display, started)
    const capabilities = new Capabilities({ browserName: 'MiniBrowser' })
    const session = await new Builder().usingServer(`http://127.0.0.1:${port}`).withCapabilities(capabilities).build()
    return {
      openTab: () => openTab(session),
      async close() {
        await session.quit()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Milliseconds for a program to be ready, on a busy machine. */
const starting = 15_000

/** Ended with the tests, also where a test is broken off. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Rejects when the program ends, or cannot be started, before `ready`. */
function whenReady<T>(child: ChildProcess, ready: Promise<T>): Promise<T> {
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${child.spawnfile} ended with ${code}`)))
  })
  return within(Promise.race([ready, failed]), `${child.spawnfile} to be ready`, undefined, starting)
}

/** The server takes a free number itself and says which: nobody can take it in between. */
async function startDisplay(started: ChildProcess[]): Promise<string> {
  const child = start('Xvfb', ['-displayfd', '1', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'])
  started.push(child)
  const written = new Promise<Buffer>((resolve) => child.stdout?.once('data', resolve))
  return `:${String(await whenReady(child, written)).trim()}`
}

async function startDriver(driver: string, display: string, started: ChildProcess[]): Promise<number> {
  const port = await freePort()
  const child = start('env', [`DISPLAY=${display}`, driver, `--port=${port}`])
  started.push(child)
  const answers = async (): Promise<void> => {
    while (child.exitCode === null) {
      const response = await fetch(`http://127.0.0.1:${port}/status`).catch(() => undefined)
      await response?.body?.cancel()
      if (response?.ok) return
      await pause(20)
    }
  }
  await whenReady(child, answers())
  return port
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  // not its 'close': what it has started holds on to its pipes for longer
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await within(ended, `${child.spawnfile} to end`, undefined, starting)
}

/** One at a time: a WebDriver has one window in hand. */
async function openTab(session: WebDriver): Promise<Tab> {
  const home = await session.getWindowHandle()
  await session.switchTo().newWindow('window')

  const run: Tab['run'] = (script, ...args: readonly Json[]) =>
    session.executeScript(`return (${script})(...arguments)`, ...args)

  const tab: Tab = {
    run,
    open: (url) => session.get(url),
    reload: () => session.navigate().refresh(),
    back: () => session.navigate().back(),
    forward: () => session.navigate().forward(),
    // WebDriver cannot take the network away: the page is told that it is gone
    setOffline: (offline) => run((name: string) => void dispatchEvent(new Event(name)), offline ? 'offline' : 'online'),
    keepsPages: true,
    setFrozen: (frozen) => run(tellFrozen, frozen),
    async close() {
      await session.close()
      await session.switchTo().window(home)
    },
  }
  return tab
}
