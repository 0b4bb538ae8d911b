import type { Json } from '@hookbox/protocol'
import { useState } from 'preact/hooks'
import type { ChannelShown } from '../../../packages/server/src/admin/told.ts'
import { Confirm, type Question } from './confirm.tsx'
import { Entries } from './entries.tsx'
import { OptionRow } from './option-row.tsx'
import { call } from './requests.ts'
import { hashOf, wholeList } from './route.ts'
import type { ViewSeen } from './seen.ts'
import { count, sentence } from './words.ts'

const help: { readonly [option: string]: string } = {
  reflective: 'publishers get their own publishes, too',
  history_size: 'entries that the history keeps',
  history_duration: 'seconds that an entry lives; 0: no limit',
  history_publish_only: 'joins and leaves are not kept',
  moderated: 'every action asks its webhook',
  moderated_publish: 'a publish asks, where moderated is off',
  moderated_subscribe: 'entering asks, where moderated is off',
  moderated_unsubscribe: 'leaving asks, where moderated is off',
  presenceful: 'subscribers see who is here, who comes and goes',
  anonymous: 'publishes carry no user',
  polling: 'a URL that the hub asks again and again',
  server_presenceful: 'the state tells who is connected to the hub',
  server_user_presence: 'of these users',
}

export function ChannelView({ name, seen }: { name: string; seen: ViewSeen }) {
  const [question, setQuestion] = useState<Question>()
  const { channel, gone } = seen
  const destroy = () =>
    setQuestion({
      title: 'Destroy this channel?',
      text: `${name}: everybody in it is put out, and its history and state are gone. The application is not asked.`,
      verb: 'Destroy',
      act: () => call('destroy_channel', { channel_name: name }),
    })
  const remove = (user: string) =>
    setQuestion({
      title: `Take ${user} out?`,
      text: `All connections of ${user} leave ${name}. The application is not asked.`,
      verb: 'Take out',
      act: () => call('unsubscribe', { channel_name: name, name: user }),
    })
  return (
    <>
      <p class="back">
        <a href={hashOf(wholeList('channels'))}>Channels</a>
      </p>
      <div class="above">
        <h1>{name}</h1>
        {channel && !gone && (
          <button type="button" class="danger" onClick={destroy}>
            Destroy…
          </button>
        )}
      </div>
      {gone && (
        <p class="empty" role="status">
          There is no channel of this name at the moment.
        </p>
      )}
      {channel && !gone && (
        <div class="columns">
          <div>
            <Said channel={channel} seen={seen} />
            <Publish channel={name} />
          </div>
          <div>
            <People channel={channel} onRemove={remove} />
            <StateShown channel={channel} />
            <Options channel={channel} />
          </div>
        </div>
      )}
      <Confirm question={question} onClose={() => setQuestion(undefined)} />
    </>
  )
}

function Said({ channel, seen }: { channel: ChannelShown; seen: ViewSeen }) {
  const [shows, setShows] = useState<'live' | 'history'>('live')
  const { entries, skipped } = seen
  const { history, allHistory } = channel
  return (
    <section class="sheet" aria-label="What is said">
      <div class="above">
        <h2>{shows === 'live' ? 'Live' : 'History'}</h2>
        <fieldset class="choice">
          <legend class="hidden">Show</legend>
          {(['live', 'history'] as const).map((one) => (
            <label key={one}>
              <input type="radio" name="shows" checked={shows === one} onChange={() => setShows(one)} />
              {one === 'live' ? 'Live' : `History ${count(allHistory)}`}
            </label>
          ))}
        </fieldset>
      </div>
      {shows === 'live' && entries.length === 0 && (
        <p class="empty">What happens in the channel from now on stands here.</p>
      )}
      {shows === 'live' && skipped > 0 && <p class="note">{count(skipped)} more came too fast to be shown.</p>}
      {shows === 'live' && entries.length > 0 && <Entries entries={entries} label="Live, newest first" />}
      {shows === 'history' && history.length === 0 && <p class="empty">The channel keeps no history.</p>}
      {shows === 'history' && history.length > 0 && (
        <Entries entries={[...history].reverse()} label="History, newest first" />
      )}
      {shows === 'history' && allHistory > history.length && (
        <p class="note">
          The newest {count(history.length)} of {count(allHistory)}.
        </p>
      )}
    </section>
  )
}

function Publish({ channel }: { channel: string }) {
  const [payload, setPayload] = useState('')
  const [originator, setOriginator] = useState('')
  const [outcome, setOutcome] = useState<{ readonly is: 'done' | 'problem'; readonly text: string }>()

  const publish = async (event: Event) => {
    event.preventDefault()
    try {
      const fields = { channel_name: channel, payload: readPayload(payload) }
      await call('publish', originator === '' ? fields : { ...fields, originator })
      setOutcome({ is: 'done', text: 'Published.' })
    } catch (error) {
      setOutcome({ is: 'problem', text: sentence((error as Error).message) })
    }
  }

  return (
    <section class="sheet" aria-labelledby="publish">
      <h2 id="publish">Publish</h2>
      <form class="publish" onSubmit={publish}>
        <label for="payload">
          Payload <small>JSON</small>
        </label>
        <textarea
          id="payload"
          class="code"
          rows={3}
          spellcheck={false}
          required
          placeholder='{"text": "hello"}'
          value={payload}
          onInput={({ currentTarget }) => setPayload(currentTarget.value)}
        />
        <label for="originator">
          Originator <small>the name shown as its publisher; nobody, where it is empty</small>
        </label>
        <input
          id="originator"
          autocomplete="off"
          value={originator}
          onInput={({ currentTarget }) => setOriginator(currentTarget.value)}
        />
        <div class="choices">
          <p role="status" class={outcome?.is === 'problem' ? 'problem' : 'note'}>
            {outcome?.text}
          </p>
          <button type="submit" class="main">
            Publish
          </button>
        </div>
      </form>
    </section>
  )
}

function readPayload(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    throw new Error('payload: expected JSON; a text needs its quotes')
  }
}

function People({ channel, onRemove }: { channel: ChannelShown; onRemove: (user: string) => void }) {
  const { users, allUsers } = channel
  return (
    <section class="sheet" aria-labelledby="people">
      <h2 id="people">
        In it <span class="number">{count(allUsers)}</span>
      </h2>
      {users.length === 0 && <p class="empty">Nobody.</p>}
      {users.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        <ul class="people" tabIndex={0} aria-label="Users in the channel">
          {users.map((user) => (
            <li key={user}>
              <a href={hashOf({ name: 'user', user })}>{user}</a>
              <button type="button" class="quiet small" aria-label={`Take out… ${user}`} onClick={() => onRemove(user)}>
                Take out…
              </button>
            </li>
          ))}
        </ul>
      )}
      {allUsers > users.length && <p class="note">The first {count(users.length)} are shown.</p>}
    </section>
  )
}

function StateShown({ channel }: { channel: ChannelShown }) {
  const { state, allKeys } = channel
  return (
    <section class="sheet" aria-labelledby="state">
      <h2 id="state">
        State <span class="number">{count(allKeys)}</span>
      </h2>
      {state.length === 0 && <p class="empty">Empty.</p>}
      <dl class="pairs">
        {state.map(([key, json]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>
              <code>{json}</code>
            </dd>
          </div>
        ))}
      </dl>
      {allKeys > state.length && <p class="note">The first {count(state.length)} are shown.</p>}
    </section>
  )
}

function Options({ channel }: { channel: ChannelShown }) {
  const { name, options } = channel
  return (
    <section class="sheet" aria-labelledby="options">
      <h2 id="options">Options</h2>
      {Object.entries(options).map(([option, value]) => (
        <OptionRow
          key={option}
          name={option}
          value={value}
          help={help[option]}
          set={(next) => call('set_channel_options', { channel_name: name, [option]: next })}
        />
      ))}
    </section>
  )
}
