import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'libsql'

/** One line of a room, in the form in which a channel's `history` is handed to the hub. */
export type Entry =
  | ['PUBLISH', { user: string; payload: { text: string }; datetime: string; message_id?: string }]
  | ['SUBSCRIBE' | 'UNSUBSCRIBE', { user: string; datetime: string }]

export interface Message {
  channel: string
  user: string
  text: string
  /** The publisher's own key, the same on every retry. */
  messageId: string | undefined
}

export interface ChatDatabase {
  /** Opens a session and returns its id, which goes into the cookie. */
  signIn(name: string): string
  signOut(session: string): void
  nameOf(session: string): string | undefined
  /** Keeps a message once, however often the hub asks about it. */
  keepMessage(message: Message): void
  /** Keeps a join or leave; a second one in a row is the hub repeating itself and changes nothing. */
  keepMove(kind: 'SUBSCRIBE' | 'UNSUBSCRIBE', channel: string, user: string): void
  /** Everybody who was here has left. */
  everybodyLeft(): void
  /** The last lines of a room, oldest first. */
  last(channel: string, count: number): Entry[]
  close(): void
}

const schema = `
  CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    datetime TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('PUBLISH', 'SUBSCRIBE', 'UNSUBSCRIBE')),
    user TEXT NOT NULL,
    text TEXT,
    message_id TEXT,
    datetime TEXT NOT NULL,
    UNIQUE (channel, user, message_id)
  );
`

interface Row {
  kind: 'PUBLISH' | 'SUBSCRIBE' | 'UNSUBSCRIBE'
  user: string
  text: string | null
  message_id: string | null
  datetime: string
}

const now = () => new Date().toISOString()

export function openDatabase(file: string): ChatDatabase {
  mkdirSync(dirname(file), { recursive: true })
  const database = new Database(file)
  // A reader never waits for a writer, and a crash loses nothing that was answered with yes.
  database.exec('PRAGMA journal_mode = WAL')
  database.exec(schema)

  const addSession = database.prepare('INSERT INTO sessions (id, name, datetime) VALUES (?, ?, ?)')
  const dropSession = database.prepare('DELETE FROM sessions WHERE id = ?')
  const findSession = database.prepare('SELECT name FROM sessions WHERE id = ?')
  const addMessage = database.prepare(
    `INSERT INTO entries (channel, kind, user, text, message_id, datetime) VALUES (?, 'PUBLISH', ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  )
  const addMove = database.prepare(
    `INSERT INTO entries (channel, kind, user, datetime) SELECT ?1, ?2, ?3, ?4 WHERE ?2 <> coalesce(
       (SELECT kind FROM entries WHERE channel = ?1 AND user = ?3 AND kind <> 'PUBLISH' ORDER BY id DESC LIMIT 1),
       'UNSUBSCRIBE')`,
  )
  const addLeaves = database.prepare(
    `INSERT INTO entries (channel, kind, user, datetime) SELECT channel, 'UNSUBSCRIBE', user, ? FROM entries
     WHERE kind = 'SUBSCRIBE' AND id IN (SELECT max(id) FROM entries WHERE kind <> 'PUBLISH' GROUP BY channel, user)`,
  )
  const lastEntries = database.prepare(
    'SELECT kind, user, text, message_id, datetime FROM entries WHERE channel = ? ORDER BY id DESC LIMIT ?',
  )

  return {
    signIn(name) {
      const id = randomBytes(24).toString('base64url')
      addSession.run(id, name, now())
      return id
    },
    signOut(session) {
      dropSession.run(session)
    },
    nameOf(session) {
      const row = findSession.get(session) as { name: string } | undefined
      return row?.name
    },
    keepMessage({ channel, user, text, messageId }) {
      addMessage.run(channel, user, text, messageId ?? null, now())
    },
    keepMove(kind, channel, user) {
      addMove.run(channel, kind, user, now())
    },
    everybodyLeft() {
      addLeaves.run(now())
    },
    last(channel, count) {
      const rows = lastEntries.all(channel, count) as Row[]
      return rows.reverse().map(asEntry)
    },
    close() {
      database.close()
    },
  }
}

function asEntry({ kind, user, text, message_id, datetime }: Row): Entry {
  if (kind !== 'PUBLISH') return [kind, { user, datetime }]
  return ['PUBLISH', { user, payload: { text: text ?? '' }, datetime, ...(message_id !== null && { message_id }) }]
}
