import { useState } from 'preact/hooks'
import type { UserShown } from '../../../packages/server/src/admin/told.ts'
import { Confirm, type Question } from './confirm.tsx'
import { OptionRow } from './option-row.tsx'
import { call } from './requests.ts'
import { hashOf, wholeList } from './route.ts'
import type { ViewSeen } from './seen.ts'
import { bytes, count, shortId } from './words.ts'

const help: { readonly [option: string]: string } = {
  reflective: 'senders of private messages get a copy',
  moderated_message: 'private messages ask the message webhook',
  per_connection_subscriptions: 'a subscription is its connection’s own',
  global_unsubscriptions: 'one connection’s leaving ends the subscriptions of all',
  auto_subscribe: 'channels that the user joins on connecting',
}

const transports: { readonly [kind: string]: string } = {
  websocket: 'WebSocket',
  'event-stream': 'event stream',
  'long-polling': 'long polling',
}

export function UserView({ name, seen, nodes }: { name: string; seen: ViewSeen; nodes: number }) {
  const [question, setQuestion] = useState<Question>()
  const { user, gone } = seen
  const disconnectAll = () =>
    setQuestion({
      title: `Disconnect ${name}?`,
      text: 'All connections of this user end, and their pages do not come back by themselves.',
      verb: 'Disconnect',
      act: () => call('disconnect_user', { user_name: name }),
    })
  const disconnect = (id: string) =>
    setQuestion({
      title: 'Disconnect this connection?',
      text: `Connection ${shortId(id)}… of ${name} ends, and its page does not come back by itself.`,
      verb: 'Disconnect',
      act: () => call('disconnect', { identifier: id }),
    })
  return (
    <>
      <p class="back">
        <a href={hashOf(wholeList('users'))}>Users</a>
      </p>
      <div class="above">
        <h1>{name}</h1>
        {user && !gone && (
          <button type="button" class="danger" onClick={disconnectAll}>
            Disconnect…
          </button>
        )}
      </div>
      {gone && (
        <p class="empty" role="status">
          This user is not connected at the moment.
        </p>
      )}
      {user && !gone && (
        <div class="columns">
          <section class="sheet" aria-labelledby="connections">
            <h2 id="connections">
              Connections <span class="number">{count(user.connections.length)}</span>
            </h2>
            {user.connections.map((one) => (
              <ConnectionShown key={one.id} connection={one} nodes={nodes} onDisconnect={() => disconnect(one.id)} />
            ))}
          </section>
          <section class="sheet" aria-labelledby="options">
            <h2 id="options">Options</h2>
            {Object.entries(user.options).map(([option, value]) => (
              <OptionRow
                key={option}
                name={option}
                value={value}
                help={help[option]}
                set={(next) => call('set_user_options', { user_name: name, [option]: next })}
              />
            ))}
          </section>
        </div>
      )}
      <Confirm question={question} onClose={() => setQuestion(undefined)} />
    </>
  )
}

interface ConnectionProps {
  readonly connection: UserShown['connections'][number]
  readonly nodes: number
  readonly onDisconnect: () => void
}

function ConnectionShown({ connection, nodes, onDisconnect }: ConnectionProps) {
  const { id, node, live, address, channels, transport, buffered } = connection
  const kind = transport === undefined ? undefined : (transports[transport] ?? transport)
  return (
    <article class="connection">
      <div class="above">
        <h3>
          <code title={id}>{shortId(id)}…</code>{' '}
          <span class={live ? 'badge good' : 'badge'}>{live ? (kind ?? 'connected') : 'away, may come back'}</span>
        </h3>
        <button type="button" class="quiet small" aria-label={`Disconnect… ${shortId(id)}`} onClick={onDisconnect}>
          Disconnect…
        </button>
      </div>
      <dl class="pairs">
        <div>
          <dt>Address</dt>
          <dd>{address || 'unknown'}</dd>
        </div>
        {nodes > 1 && (
          <div>
            <dt>Node</dt>
            <dd>
              <code>{shortId(node)}</code>
            </dd>
          </div>
        )}
        {(buffered ?? 0) > 0 && (
          <div>
            <dt>Not read yet</dt>
            <dd>{bytes(buffered)}</dd>
          </div>
        )}
        <div>
          <dt>Channels</dt>
          <dd>
            {channels.length === 0 && 'none'}
            <ul class="links">
              {channels.map((channel) => (
                <li key={channel}>
                  <a href={hashOf({ name: 'channel', channel })}>{channel}</a>
                </li>
              ))}
            </ul>
          </dd>
        </div>
      </dl>
    </article>
  )
}
