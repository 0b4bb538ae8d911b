import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { startServer, type Told } from './measure.ts'
import { type Peer, type PeerName, peers } from './peers.ts'
import { cellIn, faultIn } from './results.ts'
import { write } from './table.ts'

/** What is compared: ourselves without and with, and each connection compressing for itself. */
const compared = ['hookbox', 'with compression', 'ws loop', 'ws loop deflate'] as const satisfies readonly PeerName[]

/** How many pages hear of how many publishes a second, each of about so many characters of JSON. */
const pages = 100
const perSecond = 50
const characters = 1_000

/** One line of the results: `bytes` on the wire and `cpu_us` of the server's processor, both for each delivery. */
export interface Compressed extends Told {
  readonly peer: PeerName
}

const figures = ['bytes', 'cpu_us'] as const

/** One after the other, several times. */
export async function measureCompression(
  rounds: number,
  duration: number,
  done: (one: Compressed & { readonly round: number }) => Promise<void>,
): Promise<Compressed[]> {
  const all: Compressed[] = []
  for (let round = 1; round <= rounds; round++) {
    for (const peer of compared) {
      const one = await measureOne(peer, duration).catch((error: unknown) => ({
        peer,
        error: error instanceof Error ? error.message : String(error),
      }))
      all.push(one)
      await done({ round, ...one })
    }
  }
  return all
}

/** Markdown: the medians. */
export function compressionTable(all: readonly Compressed[]): string {
  const lines = compared.map((peer) => {
    const own = all.filter((one) => one.peer === peer)
    const fault = own.map(faultOfCompressed).find((one) => one !== undefined)
    const { about }: Peer = peers[peer]
    const [bytes, cpu] = figures.map((figure) => write(fault ?? cellIn(own, figure)))
    return `| ${peer} | ${about} | ${bytes} | ${fault === undefined ? cpu : ''} |`
  })
  return [
    '### compression',
    '',
    `${pages} pages in one channel, ${perSecond} publishes a second of about ${characters} characters of JSON.`,
    '',
    '| server | what it is | bytes on the wire, each | CPU of the server, µs each |',
    '| --- | --- | ---: | ---: |',
    ...lines,
  ].join('\n')
}

/** Why it is no number. Undefined where it is one. */
export function faultOfCompressed(compressed: Compressed): string | undefined {
  return faultIn(compressed, figures)
}

async function measureOne(peer: PeerName, duration: number): Promise<Compressed> {
  const server = await startServer(peers[peer], { channel: { history_size: 50, presenceful: false } })
  try {
    const isHub = (peers[peer] as Peer).protocol === 'hookbox'
    let heard = 0
    const readers = await Promise.all(
      Array.from({ length: pages }, async (_, number) => {
        const socket = await open(server.port, isHub, `reader-${number}`)
        socket.send(isHub ? '[2,"SUBSCRIBE",{"channel_name":"chat"}]' : '{"op":"sub","ch":"chat"}')
        await once(socket)
        socket.on('message', (data) => {
          for (const frame of data.toString().split('\n')) if (frame.includes('"text"')) heard++
        })
        return socket
      }),
    )
    const publisher = await open(server.port, isHub, 'publisher')
    const read = () => readers.reduce((sum, one) => sum + (one as unknown as { _socket: Socket })._socket.bytesRead, 0)
    const before = { bytes: read(), cpu: cpuOf(server.pid) }
    const published = perSecond * duration
    for (let n = 0; n < published; n++) {
      const payload = chatter(n)
      publisher.send(
        isHub
          ? JSON.stringify([n + 2, 'PUBLISH', { channel_name: 'chat', payload }])
          : JSON.stringify({ op: 'pub', ch: 'chat', data: payload }),
      )
      await pause(1_000 / perSecond)
    }
    for (const end = Date.now() + 5_000; heard < published * pages && Date.now() < end; ) await pause(20)
    const deliveries = published * pages
    const cpu_us = ((cpuOf(server.pid) - before.cpu) * 1_000_000) / deliveries
    const bytes = (read() - before.bytes) / deliveries
    for (const socket of [...readers, publisher]) socket.terminate()
    return { peer, deliveries, lost: deliveries - heard, cpu_us, bytes }
  } finally {
    await server.end()
  }
}

async function open(port: number, isHub: boolean, name: string): Promise<WebSocket> {
  const url = `ws://127.0.0.1:${port}${isHub ? '/ws' : ''}`
  const socket = new WebSocket(url, isHub ? ['hookbox.v1'] : [], { perMessageDeflate: true })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  if (isHub) {
    socket.send(JSON.stringify([1, 'CONNECT', { payload: { name } }]))
    await once(socket)
  }
  return socket
}

function once(socket: WebSocket): Promise<unknown> {
  return new Promise((resolve) => socket.once('message', resolve))
}

/** Seconds that a process has had of a processor, in hundredths (proc(5)). */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const words = 'the a of to and in is it you that was for on are with as they at be this have from or one had by'
  .split(' ')
  .concat('morning train late meeting picture house water coffee window question answer summer tomorrow'.split(' '))

/** Something like what people write, another one for each number. */
function chatter(number: number): { readonly text: string; readonly n: number } {
  let state = number + 1
  let text = ''
  while (text.length < characters) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    text += `${words[state % words.length]}${state % 11 === 0 ? `, ${state.toString(36)}` : ''} `
  }
  return { text, n: number }
}
