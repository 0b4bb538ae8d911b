import type { EntryShown } from '../../../packages/server/src/admin/told.ts'
import { clockTime } from './words.ts'

const words: { readonly [name: string]: string } = {
  PUBLISH: 'publish',
  SUBSCRIBE: 'joined',
  UNSUBSCRIBE: 'left',
  STATE_UPDATE: 'state',
}

/** What was said in a channel, each on a line: payloads are text and nothing else. */
export function Entries({ entries, label }: { entries: readonly EntryShown[]; label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <ol class="entries" tabIndex={0} aria-label={label}>
      {entries.map((entry, index) => (
        <li key={entry.offset === undefined ? `at ${index}` : `${entry.name} ${entry.offset} ${index}`}>
          <span class="kind" data-kind={entry.name}>
            {words[entry.name] ?? entry.name.toLowerCase()}
          </span>
          {entry.datetime !== undefined && <time dateTime={entry.datetime}>{clockTime(entry.datetime)}</time>}
          {entry.user !== null && <b>{entry.user}</b>}
          {entry.json !== undefined && <code>{entry.json}</code>}
        </li>
      ))}
    </ol>
  )
}
