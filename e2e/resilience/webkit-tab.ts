import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import type { Json } from '@hookbox/protocol'
import { freePort, patience, within } from '@hookbox/testkit'
import { Builder, Capabilities, type WebDriver } from 'selenium-webdriver'
import { tellFrozen } from './playwright-tab.ts'
import { type Browser, type Tab, until } from './tab.ts'

/**
 * The system's WebKit, which WebDriver drives: `driver` is the path of WebKitWebDriver. It needs a display, and gets one
 * that nobody sees.
 */
export async function launchWebKit(driver: string): Promise<Browser> {
  const port = await freePort()
  const process = await startDriver(driver, port)
  try {
    const capabilities = new Capabilities({ browserName: 'MiniBrowser' })
    const session = await new Builder().usingServer(`http://127.0.0.1:${port}`).withCapabilities(capabilities).build()
    return {
      openTab: () => openTab(session),
      async close() {
        await session.quit()
        await end(process)
      },
    }
  } catch (error) {
    await end(process)
    throw error
  }
}

async function startDriver(driver: string, port: number): Promise<ChildProcess> {
  // a group of its own, as the display ends with the driver only if both are told
  const child = spawn('xvfb-run', ['-a', driver, `--port=${port}`], { stdio: 'ignore', detached: true })
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${driver} ended with ${code}`)))
  })
  const ready = async (): Promise<void> => {
    while (child.exitCode === null) {
      const response = await fetch(`http://127.0.0.1:${port}/status`).catch(() => undefined)
      await response?.body?.cancel()
      if (response?.ok) return
      await pause(20)
    }
  }
  try {
    await within(Promise.race([ready(), failed]), `${driver} to listen`, undefined, 3 * patience)
  } catch (error) {
    await end(child)
    throw error
  }
  failed.catch(() => {})
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('close', resolve))
  process.kill(-child.pid, 'SIGTERM')
  await within(ended, 'the WebDriver to end')
}

/** One at a time: a WebDriver has one window in hand. */
async function openTab(session: WebDriver): Promise<Tab> {
  const home = await session.getWindowHandle()
  await session.switchTo().newWindow('window')

  const run: Tab['run'] = (script, ...args: readonly Json[]) =>
    session.executeScript(`return (${script})(...arguments)`, ...args)

  async function move(steps: -1 | 1): Promise<void> {
    const from = await session.getCurrentUrl()
    await run((count: number) => history.go(count), steps)
    await until(tab, (url: string) => location.href !== url && document.readyState === 'complete', from)
  }

  const tab: Tab = {
    run,
    open: (url) => session.get(url),
    reload: () => session.navigate().refresh(),
    back: () => move(-1),
    forward: () => move(1),
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
