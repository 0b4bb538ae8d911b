import { optionNames } from '../packages/server/src/channel/options.ts'
import { options } from '../packages/server/src/config/options.ts'
import { userOptionNames } from '../packages/server/src/hub/user-options.ts'
import { pollingModeWords, pollingWords, restMethodWords, webhookWords } from './reference-words.ts'

/** One row of the contract, and where its tests are. */
export interface Row {
  /** As it is shown where it has no test. */
  readonly row: string
  /** Some passed test has all of these words in its name. */
  readonly words: readonly string[]
  /** In a file whose path ends so. */
  readonly file: string
}

const server = (name: string) => `packages/server/test/contract/${name}.test.ts`
const page = 'packages/client/test/contract.test.ts'

/** What the contract calls the page's side; the code has no table of it. */
const pageWords = {
  connection: ['subscribe', 'publish', 'message', 'disconnect', 'name', 'payload'],
  'connection tells of': ['open', 'close', 'error', 'subscribed', 'unsubscribed', 'message'],
  subscription: [
    ...['channelName', 'history', 'historySize', 'presence', 'state', 'presenceful', 'reflective', 'initialData'],
    ...['publish', 'cancel'],
  ],
  'subscription tells of': ['publish', 'subscribe', 'unsubscribe', 'state'],
  "the original's style": [
    ...['connect', 'onOpen', 'onClose', 'onConnectionLost', 'onError', 'onSubscribed', 'onUnsubscribed', 'onMessaged'],
    ...['onPublish', 'onSubscribe', 'onUnsubscribe', 'onState', 'username', 'canceled', 'logging', '/csp'],
  ],
}

/** Every row of the contract: webhooks with their fields and details, options, REST methods, flags, the page's side. */
export function contractRows(): Row[] {
  const webhooks = Object.entries(webhookWords).flatMap(([webhook, { details }]) => [
    { row: `webhook ${webhook}: form fields`, words: [webhook, 'form fields'], file: server('webhooks') },
    ...Object.keys(details).map((detail) => ({
      row: `webhook ${webhook}: ${detail}`,
      words: [webhook, detail],
      file: server('webhooks'),
    })),
  ])
  const named = (kind: string, names: readonly string[], file: string): Row[] =>
    names.map((name) => ({ row: `${kind} ${name}`, words: [name], file }))
  const polling = named('polling', [...Object.keys(pollingWords), ...Object.keys(pollingModeWords)], server('polling'))
  return [
    ...webhooks,
    ...named('channel option', optionNames, server('channel-options')),
    ...polling,
    ...named('user option', userOptionNames, server('user-options')),
    ...named('REST', Object.keys(restMethodWords), server('rest')),
    ...options.map(({ flag, fileKey }) => ({
      row: `flag ${flag ?? fileKey}`,
      words: [flag === undefined ? fileKey : `--${flag}`],
      file: server('flags'),
    })),
    ...Object.entries(pageWords).flatMap(([kind, names]) =>
      names.map((name) => ({ row: `${kind} ${name}`, words: [kind.replace(' tells of', ''), name], file: page })),
    ),
  ]
}

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** The rows for which no test passed, by vitest's JSON report. */
export function rowsWithoutTest(report: unknown, rows: readonly Row[] = contractRows()): Row[] {
  const { testResults } = report as Report
  const passed = new Map<string, string[]>()
  for (const { name, assertionResults } of testResults) {
    const names = assertionResults.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName)
    passed.set(name.replaceAll('\\', '/'), names)
  }
  return rows.filter(({ words, file }) => {
    const names = [...passed].filter(([path]) => path.endsWith(file)).flatMap(([, inFile]) => inFile)
    return !names.some((name) => words.every((word) => hasWord(name, word)))
  })
}

/** `publish` is not in `publish_multi`, and `name` not in `username`. */
function hasWord(text: string, word: string): boolean {
  const escaped = word.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
  return new RegExp(`(^|[^\\w-])${escaped}($|[^\\w-])`).test(text)
}
