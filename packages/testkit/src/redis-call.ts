import { connect } from 'node:net'
import { connect as connectByTls } from 'node:tls'
import { deferred, patience, within } from './within.ts'

/** What Redis answers. An error rejects, but inside of a list it is an `Error`. */
export type RedisReply = string | number | null | Error | readonly RedisReply[]

/**
 * Sends one command on a connection of its own and tells the answer: slow, but it owes nothing to the libraries that tests
 * of the hub are about. A server that is silent is told as one after `deadline` milliseconds.
 */
export async function callRedis(
  url: string,
  command: readonly (string | number)[],
  deadline: number = patience,
): Promise<RedisReply> {
  const { protocol, hostname, port, username, password, pathname } = new URL(url)
  const address = { host: hostname, port: Number(port || 6379) }
  const socket = protocol === 'rediss:' ? connectByTls({ ...address, servername: hostname }) : connect(address)
  const first = password === '' ? [] : [['AUTH', ...(username ? [username] : []), password].map(decodeURIComponent)]
  const second = pathname.length > 1 ? [['SELECT', pathname.slice(1)]] : []
  const commands = [...first, ...second, command]
  const { promise, resolve, reject } = deferred<RedisReply>()
  let received: Buffer = Buffer.alloc(0)
  let answered = 0
  socket.on('error', reject)
  socket.on('close', () => reject(new Error(`Redis closed the connection before it answered ${command[0]}`)))
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes])
    for (let read = readReply(received); read !== undefined; read = readReply(received)) {
      received = received.subarray(read.end)
      if (read.reply instanceof Error) reject(read.reply)
      if (++answered === commands.length) resolve(read.reply)
    }
  })
  socket.write(commands.map(encode).join(''))
  try {
    return await within(promise, `the answer of Redis to ${command[0]}`, () => 'nothing', deadline)
  } finally {
    socket.destroy()
  }
}

function encode(command: readonly (string | number)[]): string {
  const words = command.map(String).map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
  return `*${command.length}\r\n${words.join('')}`
}

interface Read {
  readonly reply: RedisReply
  /** Where the next one begins. */
  readonly end: number
}

/** One reply in RESP 2, or nothing where its end has not arrived yet. */
function readReply(bytes: Buffer, at = 0): Read | undefined {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const end = lineEnd + 2
  const kind = String.fromCharCode(bytes[at] ?? 0)
  const line = bytes.toString('utf8', at + 1, lineEnd)
  if (kind === '+') return { reply: line, end }
  if (kind === '-') return { reply: new Error(line), end }
  const number = Number(line)
  if (kind === ':') return { reply: number, end }
  if (number < 0) return { reply: null, end }
  if (kind === '$') {
    const until = end + number
    return bytes.length < until + 2 ? undefined : { reply: bytes.toString('utf8', end, until), end: until + 2 }
  }
  if (kind !== '*') throw new Error(`expected a reply of Redis, got ${JSON.stringify(bytes.toString('utf8', at))}`)
  return readList(bytes, end, number)
}

function readList(bytes: Buffer, at: number, length: number): Read | undefined {
  const reply: RedisReply[] = []
  let end = at
  while (reply.length < length) {
    const read = readReply(bytes, end)
    if (read === undefined) return undefined
    reply.push(read.reply)
    end = read.end
  }
  return { reply, end }
}
