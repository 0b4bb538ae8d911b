import { useState } from 'preact/hooks'
import type { CallShown } from '../../../packages/server/src/admin/told.ts'
import { clockTime, count, duration, shortId } from './words.ts'

const outcomes: { readonly [outcome: string]: string } = { allowed: 'good', refused: 'warn', fault: 'bad' }

type Shows = 'all' | 'trouble'

/** Every call of the application, and what there is to say of what it answered. */
export function WebhooksView({ calls, nodes }: { calls: readonly CallShown[] | undefined; nodes: number }) {
  const [shows, setShows] = useState<Shows>('all')
  const shown = calls?.filter(({ outcome }) => shows === 'all' || outcome !== 'allowed') ?? []
  return (
    <>
      <div class="above">
        <h1>Webhooks</h1>
        <fieldset class="choice">
          <legend class="hidden">Show</legend>
          {(['all', 'trouble'] as const).map((one) => (
            <label key={one}>
              <input type="radio" name="calls" checked={shows === one} onChange={() => setShows(one)} />
              {one === 'all' ? 'All' : 'Refused and faulty'}
            </label>
          ))}
        </fieldset>
      </div>
      <p class="note">
        The last hundred calls{nodes > 1 && ' of each node'}, and each one as it is made. Secrets are left out.
      </p>
      {calls && shown.length === 0 && (
        <p class="empty">{calls.length === 0 ? 'No webhook was called yet.' : 'None of these.'}</p>
      )}
      <ol class="calls">
        {shown.map((call) => (
          <li key={`${call.node} ${call.number}`}>
            <Call call={call} nodes={nodes} />
          </li>
        ))}
      </ol>
    </>
  )
}

function Call({ call, nodes }: { call: CallShown; nodes: number }) {
  const { at, webhook, outcome, status, duration: time, findings } = call
  const [first] = findings
  const subject = call.fields.channel_name ?? call.fields.name ?? call.fields.recipient
  return (
    <details>
      <summary>
        <time dateTime={new Date(at).toISOString()}>{clockTime(at)}</time>
        <span class="webhook">
          <b>{webhook}</b> {subject}
        </span>
        <span class={`badge ${outcomes[outcome] ?? ''}`}>{outcome}</span>
        <span class="status">{status}</span>
        <span class="time">{duration(time)}</span>
        {outcome !== 'allowed' && first && <span class="says">{first.says}</span>}
      </summary>
      <div class="inside">
        {findings.map(({ kind, code, says, mend }) => (
          <div class="finding" data-kind={kind} key={code}>
            <p>{says}</p>
            {mend && <p class="note">{mend}</p>}
          </div>
        ))}
        <dl class="pairs">
          <Pair name="URL" value={call.url ?? 'a function in this process'} />
          {nodes > 1 && <Pair name="Node" value={shortId(call.node)} />}
          <Pair name="webhook-id" value={call.id} />
          {call.address !== undefined && <Pair name="Browser’s address" value={call.address} />}
          <Pair name="Cookies sent" value={call.cookies.join(', ') || 'none'} />
          {call.setCookies.length > 0 && <Pair name="Cookies set" value={call.setCookies.join(', ')} />}
        </dl>
        <h3>Form</h3>
        <dl class="pairs">
          {Object.entries(call.fields).map(([field, value]) => (
            <Pair key={field} name={field} value={value} />
          ))}
        </dl>
        <h3>Reply {status !== undefined && <small>status {count(status)}</small>}</h3>
        {call.reply === undefined ? (
          <p class="empty">Nothing came.</p>
        ) : (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
          <pre tabIndex={0}>{call.reply === '' ? ' ' : call.reply}</pre>
        )}
      </div>
    </details>
  )
}

function Pair({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <code>{value}</code>
      </dd>
    </div>
  )
}
