import { useState } from 'preact/hooks'
import type { LineShown } from '../../../packages/server/src/admin/told.ts'
import { clockTime, shortId } from './words.ts'

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

interface Line {
  readonly key: string
  readonly node: string
  readonly level: string
  readonly time: number
  readonly text: string
  /** All other fields, and the stack of an error. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly stack: string | undefined
  readonly whole: string
}

const read = new WeakMap<LineShown, Line>()

/** The log as it is written, on whichever node. */
export function LogView({ lines, nodes }: { lines: readonly LineShown[] | undefined; nodes: number }) {
  const [least, setLeast] = useState('trace')
  const [search, setSearch] = useState('')
  const [paused, setPaused] = useState<readonly LineShown[]>()
  const wanted = search.toLowerCase()
  const shown = (paused ?? lines ?? [])
    .map(readLine)
    .filter(({ level, whole }) => levels.indexOf(level) >= levels.indexOf(least) && whole.includes(wanted))
  return (
    <>
      <h1>Log</h1>
      <div class="filters">
        <input
          type="search"
          class="search"
          aria-label="Search the log"
          placeholder="Search the log"
          value={search}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
        <label>
          <span class="hidden">Least level</span>
          <select value={least} onChange={({ currentTarget }) => setLeast(currentTarget.value)}>
            {levels.map((level) => (
              <option key={level} value={level}>
                {level === 'trace' ? 'all levels' : `${level} and worse`}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="quiet"
          aria-pressed={paused !== undefined}
          onClick={() => setPaused(paused ? undefined : lines)}
        >
          {paused ? 'Go on' : 'Hold'}
        </button>
      </div>
      {lines && shown.length === 0 && (
        <p class="empty">No line {lines.length === 0 ? 'was written yet' : 'is like that'}.</p>
      )}
      <ol class="log">
        {shown.map(({ key, node, level, time, text, fields, stack }) => (
          <li key={key}>
            <time dateTime={new Date(time).toISOString()}>{clockTime(time)}</time>
            <span class="level" data-level={level}>
              {level}
            </span>
            <span class="text">
              {text} {nodes > 1 && <code class="field">node={shortId(node)} </code>}
              {fields.map(([name, value]) => (
                <code class="field" key={name}>
                  {name}={value}{' '}
                </code>
              ))}
              {stack !== undefined && (
                <details>
                  <summary>Stack</summary>
                  {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
                  <pre tabIndex={0}>{stack}</pre>
                </details>
              )}
            </span>
          </li>
        ))}
      </ol>
    </>
  )
}

function readLine(line: LineShown): Line {
  const known = read.get(line)
  if (known) return known
  const { level, time, msg, pid: _, ...fields } = parse(line.line)
  const error = fields.err as { readonly stack?: string; readonly message?: string } | undefined
  const stack = typeof error === 'object' && typeof error?.stack === 'string' ? error.stack : undefined
  const fresh = {
    key: `${line.node} ${line.number}`,
    node: line.node,
    level: String(level),
    time: Number(time) || 0,
    text: String(msg ?? ''),
    fields: Object.entries(fields).map(
      ([name, value]) =>
        [name, value === error && stack !== undefined ? (error?.message ?? '') : written(value)] as const,
    ),
    stack,
    whole: line.line.toLowerCase(),
  }
  read.set(line, fresh)
  return fresh
}

function parse(text: string): { readonly [field: string]: unknown } {
  try {
    return JSON.parse(text) as { [field: string]: unknown }
  } catch {
    return { msg: text }
  }
}

function written(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
