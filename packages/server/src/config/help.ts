import type { OwnFlag } from './load.ts'
import { type Group, type Option, options } from './options.ts'

const width = 100
const helpColumn = 36

const own: readonly Entry[] = [
  { flags: '    --config FILE', help: 'Read options from this JSON file.' },
  { flags: '-h, --help', help: 'Print this and end.' },
  { flags: '    --version', help: 'Print the version and end.' },
]

/** What can be done besides starting a hub, as the help lists it. */
export interface CommandHelp {
  /** With what stands for its words: `publish CHANNEL JSON`. */
  readonly usage: string
  /** What it does, in a sentence. */
  readonly help: string
}

/** What `--help` prints: every option of the table, in groups. */
export function help(commands: readonly CommandHelp[] = []): string {
  const groups = new Map<Group, Option[]>()
  for (const option of options) groups.set(option.group, [...(groups.get(option.group) ?? []), option])
  const sections = [...groups].map(([group, rows]) => section(group, rows.map(entry)))
  return [
    `Usage: hookbox [options]${commands.length === 0 ? '' : '\n       hookbox COMMAND …'}`,
    'Keeps the sockets of browsers and asks your web application, by webhooks, what they may do.\nWithout options it admits everyone, for trying out.',
    ...(commands.length === 0 ? [] : [section('Commands, each with a --help of its own', commands.map(commandEntry))]),
    ...sections,
    section('More', own),
    example('Try it out, then with a web application at port 3000:', [
      'hookbox',
      'hookbox --cbport 3000 --cbpath /hookbox -r "$REST_SECRET" -s "$WEBHOOK_SECRET"',
    ]),
    naming(),
  ].join('\n\n')
}

/** What `hookbox COMMAND --help` prints. */
export function commandHelp(command: {
  readonly usage: string
  /** What it does and how it is used, in paragraphs. */
  readonly about: readonly string[]
  /** What its words may be. */
  readonly words?: { readonly title: string; readonly rows: readonly CommandHelp[] }
  readonly flags: readonly OwnFlag[]
  /** What each exit code stands for. */
  readonly exits: { readonly [code: number]: string }
  readonly examples: readonly string[]
}): string {
  const exits = Object.entries(command.exits).map(([code, help]) => ({ flags: code, help }))
  return [
    `Usage: hookbox ${command.usage}`,
    ...command.about.map((paragraph) => wrap(paragraph, width).join('\n')),
    ...(command.words === undefined ? [] : [section(command.words.title, command.words.rows.map(commandEntry))]),
    section('Options', [...command.flags.map(ownEntry), { flags: '-h, --help', help: 'Print this and end.' }]),
    wrap(
      'It takes the options of a hub as well, from flags, environment and file: hookbox --help lists them.',
      width,
    ).join('\n'),
    section('It ends with', exits),
    example(command.examples.length > 1 ? 'Examples:' : 'An example:', command.examples),
  ].join('\n\n')
}

function commandEntry({ usage, help }: CommandHelp): Entry {
  return { flags: usage, help }
}

function ownEntry({ flag, placeholder, help }: OwnFlag): Entry {
  return { flags: `    --${flag}${placeholder === undefined ? '' : ` ${placeholder}`}`, help }
}

interface Entry {
  readonly flags: string
  readonly help: string
}

function section(title: string, entries: readonly Entry[]): string {
  return [`${title}:`, ...entries.flatMap(lines)].join('\n')
}

function example(title: string, commands: readonly string[]): string {
  return [title, ...commands.map((command) => `  ${command}`)].join('\n')
}

function naming(): string {
  const shown = options.find((option) => option.key === 'cbCreateChannel')
  return wrap(
    `Every option can also be set in the environment and in the file: --${shown?.flag} is ${shown?.variable} and ` +
      `"${shown?.fileKey}". A flag goes before the environment, the environment before the file. Secrets are best ` +
      'kept out of the command line, which other users of the machine can read.',
    width,
  ).join('\n')
}

function entry(option: Option): Entry {
  return { flags: flags(option), help: option.help + remark(option) }
}

function flags({ flag, short, fileKey, kind }: Option): string {
  if (flag === undefined) return `    "${fileKey}" in the file`
  const start = short === undefined ? '    ' : `-${short}, `
  return `${start}--${flag}${kind.placeholder === '' ? '' : ` ${kind.placeholder}`}`
}

function remark({ kind, defaultText }: Option): string {
  const repeatable = kind.shape === 'list' ? ' Repeatable.' : ''
  return `${repeatable}${defaultText ? ` [${defaultText}]` : ''}`
}

/** Flags too long for their column stand on a line of their own. */
function lines({ flags, help }: Entry): string[] {
  const [first = '', ...rest] = wrap(help, width - helpColumn)
  const indent = ' '.repeat(helpColumn)
  const start = `  ${flags}`
  const head = start.length + 2 > helpColumn ? [start, indent + first] : [start.padEnd(helpColumn) + first]
  return [...head, ...rest.map((line) => indent + line)]
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
