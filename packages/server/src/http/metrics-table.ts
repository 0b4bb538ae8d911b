import type { Durations } from '../signals/durations.ts'
import type { Signals } from '../signals/signals.ts'

/** What is not counted as it happens, but looked at when somebody asks. */
export interface NodeView {
  /** Lines that are open, and bytes that wait for their pages, by transport. */
  readonly transports: { readonly [transport: string]: { readonly lines: number; readonly unsent: number } }
  readonly users: number
  readonly channels: number
  readonly subscriptions: number
  readonly webhooksGivenUp: number
  readonly brokerUp: boolean
  readonly ready: boolean
  readonly version: string
}

/** What the metrics of one node are read from. */
export interface MetricsSource {
  readonly signals: Signals
  readonly view: () => NodeView
}

type Labels = { readonly [label: string]: string }

/** One number, or one spread of durations, and what it is of. */
export type Sample<Value> = readonly [Labels, Value]

interface Described {
  /** As Prometheus knows it, with the unit and `_total` at its end. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

/** One metric of the hub's own. */
export type Metric = Described &
  (
    | {
        readonly type: 'counter' | 'gauge'
        readonly read: (signals: Signals, view: NodeView) => Iterable<Sample<number>>
      }
    | {
        readonly type: 'histogram'
        readonly read: (signals: Signals, view: NodeView) => Iterable<Sample<Durations>>
      }
  )

/** All metrics of the hub's own, as docs/metrics.md lists them. */
export const metrics: readonly Metric[] = [
  gauge('hookbox_info', 'Always 1; its label is the version of the hub.', ['version'], (_, { version }) => [
    [{ version }, 1],
  ]),
  gauge('hookbox_ready', '1 while `/ready` may answer 200, 0 while the node starts or stops.', [], (_, view) =>
    one(Number(view.ready)),
  ),
  gauge(
    'hookbox_broker_up',
    '1 while Redis, or every server of it, can be reached; without Redis always 1.',
    [],
    (_, view) => one(Number(view.brokerUp)),
  ),
  gauge('hookbox_connections', 'Lines that are open, by transport.', ['transport'], (_, view) =>
    Object.entries(view.transports).map(([transport, { lines }]) => [{ transport }, lines]),
  ),
  gauge('hookbox_users', 'Users with a connection at this node, those included that linger.', [], (_, view) =>
    one(view.users),
  ),
  gauge('hookbox_channels', 'Channels that this node takes part in.', [], (_, view) => one(view.channels)),
  gauge('hookbox_subscriptions', 'Subscriptions of the connections at this node.', [], (_, view) =>
    one(view.subscriptions),
  ),
  gauge('hookbox_unsent_bytes', 'Bytes that wait for their pages, by transport.', ['transport'], (_, view) =>
    Object.entries(view.transports).map(([transport, { unsent }]) => [{ transport }, unsent]),
  ),
  counter(
    'hookbox_connections_opened_total',
    'Lines that pages opened, by transport; one that polls counts as an event stream.',
    ['transport'],
    ({ opened }) => each(opened, 'transport'),
  ),
  counter(
    'hookbox_connections_closed_total',
    'Lines that ended, by close code: 4508 is a page that read too slowly. `other` is a code of the page’s own.',
    ['code'],
    ({ closed }) => each(closed, 'code'),
  ),
  counter('hookbox_received_frames_total', 'Frames that came from pages.', [], ({ receivedFrames }) =>
    one(receivedFrames),
  ),
  counter('hookbox_received_bytes_total', 'Bytes of the messages that came from pages.', [], ({ receivedBytes }) =>
    one(receivedBytes),
  ),
  counter('hookbox_sent_frames_total', 'Frames that were sent to pages.', [], ({ sentFrames }) => one(sentFrames)),
  counter('hookbox_sent_bytes_total', 'Bytes of the messages that were sent to pages.', [], ({ sentBytes }) =>
    one(sentBytes),
  ),
  counter(
    'hookbox_publishes_total',
    'Publishes of pages, the application and polling, by outcome: `published`, `duplicate`, `only_to_sender`, or the code of the error.',
    ['outcome'],
    ({ publishes }) => each(publishes, 'outcome'),
  ),
  counter(
    'hookbox_deliveries_total',
    'Entries handed to subscribers: one that a hundred get counts a hundred times.',
    [],
    ({ deliveries }) => one(deliveries),
  ),
  counter('hookbox_messages_total', 'Private messages that were sent, each once.', [], ({ messages }) => one(messages)),
  counter('hookbox_errors_total', 'Errors that pages were told, by code.', ['code'], ({ errors }) =>
    each(errors, 'code'),
  ),
  counter(
    'hookbox_recoveries_total',
    'Channels and private messages that pages took up again, by result: `recovered` without a gap, or with a gap for the reason that the page was told, `expired` or `epoch`.',
    ['of', 'result'],
    ({ channelRecoveries, messageRecoveries }) => [
      ...each(channelRecoveries, 'result', { of: 'channel' }),
      ...each(messageRecoveries, 'result', { of: 'messages' }),
    ],
  ),
  counter(
    'hookbox_webhook_calls_total',
    'Webhooks that were asked, by outcome: `allowed`, `refused` or `fault`.',
    ['webhook', 'outcome'],
    ({ webhooks }) => [...webhooks].flatMap(([webhook, { outcomes }]) => each(outcomes, 'outcome', { webhook })),
  ),
  counter(
    'hookbox_webhook_faults_total',
    'Webhooks whose reply was none, by kind: too late (`time`), no `connection`, `unasked` as the application was away or too many calls waited, another `status` than 200, another `form`, a `detail` of the wrong type, or a function that `threw`.',
    ['webhook', 'kind'],
    ({ webhooks }) => [...webhooks].flatMap(([webhook, { faults }]) => each(faults, 'kind', { webhook })),
  ),
  {
    name: 'hookbox_webhook_duration_seconds',
    type: 'histogram',
    help: 'How long webhooks took, whatever became of them.',
    labels: ['webhook'],
    read: ({ webhooks }) => [...webhooks].map(([webhook, { durations }]) => [{ webhook }, durations]),
  },
  gauge('hookbox_webhook_calls_under_way', 'Webhooks that are being asked.', ['webhook'], ({ webhooks }) =>
    [...webhooks].map(([webhook, { underWay }]) => [{ webhook }, underWay]),
  ),
  counter(
    'hookbox_webhooks_given_up_total',
    'Webhooks that were given up after ten minutes: the application did not hear of something it keeps records of.',
    [],
    (_, view) => one(view.webhooksGivenUp),
  ),
  counter(
    'hookbox_rest_calls_total',
    'Calls of the REST interface, by method and by `ok` or the code of the error. A method that there is not is `unknown`.',
    ['method', 'code'],
    ({ rest }) => [...rest].flatMap(([method, codes]) => each(codes, 'code', { method })),
  ),
]

function gauge(
  name: string,
  help: string,
  labels: readonly string[],
  read: (signals: Signals, view: NodeView) => Iterable<Sample<number>>,
): Metric {
  return { name, help, labels, read, type: 'gauge' }
}

function counter(
  name: string,
  help: string,
  labels: readonly string[],
  read: (signals: Signals, view: NodeView) => Iterable<Sample<number>>,
): Metric {
  return { name, help, labels, read, type: 'counter' }
}

function one(value: number): Sample<number>[] {
  return [[{}, value]]
}

/** A count for each word of a tally. */
function each(
  tally: { entries(): Iterable<readonly [string, number]> },
  label: string,
  labels: Labels = {},
): Sample<number>[] {
  return [...tally.entries()].map(([word, count]) => [{ ...labels, [label]: word }, count])
}
