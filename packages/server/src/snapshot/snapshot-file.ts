import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { HookboxError } from '@hookbox/protocol'
import type { SavedPiece } from '../broker/memory/memory-broker.ts'
import type { Log } from '../log.ts'

/** Grows when a hub could misread what an older one wrote. */
const format = 2

/** First and last line: a file without its end was not written to the end. */
type Frame = { readonly kind: 'begin'; readonly format: number } | { readonly kind: 'end'; readonly pieces: number }

/**
 * Writes a snapshot, readable by this user alone: it holds cookies and tickets. It replaces an older one, or nothing happens.
 *
 * @throws HookboxError `unavailable` naming the file
 */
export function writeSnapshot(file: string, pieces: Iterable<SavedPiece>): void {
  const unfinished = `${file}.unfinished`
  try {
    rmSync(unfinished, { force: true })
    const descriptor = openSync(unfinished, 'wx', 0o600)
    try {
      let count = 0
      writeLine(descriptor, { kind: 'begin', format })
      for (const piece of pieces) {
        writeLine(descriptor, piece)
        count++
      }
      writeLine(descriptor, { kind: 'end', pieces: count })
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(unfinished, file)
  } catch (cause) {
    rmSync(unfinished, { force: true })
    throw new HookboxError('unavailable', `snapshot: cannot write ${file}: ${messageOf(cause)}`, { cause })
  }
}

/**
 * Takes a snapshot up and removes the file, so that it can never be taken up twice. Undefined where there is none, or where
 * it cannot be read: that is logged, and the hub starts without memory.
 *
 * @throws HookboxError `unavailable` when a snapshot is there and cannot be removed, or none could be written later
 */
export function takeSnapshot(file: string, log: Pick<Log, 'error'>): SavedPiece[] | undefined {
  checkWritable(file)
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw new HookboxError('unavailable', `snapshot: cannot read ${file}: ${messageOf(cause)}`, { cause })
  }
  try {
    rmSync(file)
  } catch (cause) {
    throw new HookboxError('unavailable', `snapshot: cannot remove ${file}: ${messageOf(cause)}`, { cause })
  }
  try {
    return read(bytes)
  } catch (error) {
    log.error({ file, reason: messageOf(error) }, 'the snapshot cannot be used: the hub starts without memory')
    return undefined
  }
}

/** Better told at the start than when it is too late. */
function checkWritable(file: string): void {
  const probe = `${file}.unfinished`
  try {
    closeSync(openSync(probe, 'w', 0o600))
    rmSync(probe)
  } catch (cause) {
    throw new HookboxError('unavailable', `snapshot: cannot write beside ${file}: ${messageOf(cause)}`, { cause })
  }
}

function read(bytes: Buffer): SavedPiece[] {
  const lines: unknown[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0x0a, start)
    if (end === -1) throw new Error('its last line has no end')
    lines.push(JSON.parse(bytes.toString('utf8', start, end)))
    start = end + 1
  }
  const [first, last] = [lines.shift(), lines.pop()] as [Frame | undefined, Frame | undefined]
  if (first?.kind !== 'begin' || first.format !== format) throw new Error(`expected format ${format}`)
  if (last?.kind !== 'end' || last.pieces !== lines.length) throw new Error('it was not written to the end')
  return lines as SavedPiece[]
}

function writeLine(descriptor: number, line: SavedPiece | Frame): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
  let written = 0
  while (written < bytes.length) written += writeSync(descriptor, bytes, written)
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
