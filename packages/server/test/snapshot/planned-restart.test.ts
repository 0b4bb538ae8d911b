import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HookboxError } from '@hookbox/protocol'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loadOptions } from '../../src/config/load.ts'
import { hookboxFrom } from '../../src/hookbox.ts'
import { createLog } from '../../src/log.ts'
import { RunningHub } from '../kit/running-hub.ts'

let folder = ''
let snapshot = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookbox-restart-'))
  snapshot = join(folder, 'hub.snapshot')
})

afterEach(() => rmSync(folder, { recursive: true }))

const room = { create_channel: [true, { presenceful: true }] } as const

test('a planned restart loses nothing: pages recover, nobody has left, and the application is asked nothing', async () => {
  await using hub = await RunningHub.start(room, { snapshot, linger: 60 })
  const ann = await hub.stranger()
  const { args: welcome } = await ann.ask('CONNECT', { payload: { name: 'ann' } })
  const { args: subscribed } = await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
  const bob = await hub.page('bob')
  await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
  await hub.rest('publish', { channel_name: 'chat', payload: '"before"' })
  const asked = hub.app.calls().length

  const ends = Promise.all([ann.closed, bob.closed])
  await hub.restart()
  expect((await ends).map(({ code }) => code)).toEqual([4503, 4503])
  expect(existsSync(snapshot)).toBe(false)
  await hub.rest('publish', { channel_name: 'chat', payload: '"after"' })

  const back = await hub.stranger()
  const { ticket } = welcome as { ticket: string }
  await back.ask('CONNECT', { payload: { name: 'ann' }, ticket })
  const since = (subscribed as { position: string }).position
  const { args: again } = await back.ask('SUBSCRIBE', { channel_name: 'chat', since })
  expect(again).toMatchObject({ recovered: true, missed: 3 })
  expect((await back.next('SUBSCRIBE')).args).toMatchObject({ user: 'bob' })
  expect((await back.next('PUBLISH')).args).toMatchObject({ payload: 'before' })
  expect((await back.next('PUBLISH')).args).toMatchObject({ payload: 'after' })
  expect(hub.app.calls().length).toBe(asked)
})

test('a snapshot is written for its user alone, and taken up once: after a crash the application hears of a new hub', async () => {
  await using hub = await RunningHub.start(room, { snapshot, linger: 60 })
  await hub.page('ann')
  await hub.hookbox.close()
  expect(statSync(snapshot).mode & 0o777).toBe(0o600)
  const started = hub.app.calls('hub_started').length
  await hub.restart()
  expect(hub.app.calls('hub_started')).toHaveLength(started)
  expect(hub.log).toContain('went on where the hub before this one was stopped')
  await hub.hookbox.close()
  rmSync(snapshot)
  await hub.hookbox.close()
  expect(existsSync(snapshot)).toBe(false)
  await hub.restart()
  await vi.waitFor(() => expect(hub.app.calls('hub_started')).toHaveLength(started + 1))
})

test('a snapshot that cannot be read is an error in the log, and the hub starts without memory', async () => {
  writeFileSync(snapshot, 'not one of ours\n')
  await using hub = await RunningHub.start(room, { snapshot })
  await vi.waitFor(() => expect(hub.app.calls('hub_started')).toHaveLength(1))
  expect(hub.log).toContain('the snapshot cannot be used: the hub starts without memory')
  expect(existsSync(snapshot)).toBe(false)
})

test('a snapshot whose place cannot be written is told at the start, and nothing is taken up when the port is taken', async () => {
  await using other = await RunningHub.start()
  const start = (options: object) => {
    const { config } = loadOptions({ interface: '127.0.0.1', open: true, logLevel: 'silent', ...options })
    return hookboxFrom(config, createLog(config.log))
  }
  const nowhere = start({ port: 0, snapshot: join(folder, 'nowhere', 'hub.snapshot') })
  await expect(nowhere.listen()).rejects.toThrow('snapshot: cannot write beside')
  await nowhere.close().catch((error: unknown) => expect(error).toBeInstanceOf(HookboxError))

  writeFileSync(snapshot, 'kept')
  const late = start({ port: Number(new URL(other.url).port), snapshot })
  await expect(late.listen()).rejects.toThrow('is taken')
  await late.close()
  expect(existsSync(snapshot)).toBe(true)
})
