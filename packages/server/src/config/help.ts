import { type Group, type Option, options } from './options.ts'

const width = 100
const helpColumn = 36

const own: readonly Entry[] = [
  { flags: '    --config FILE', help: 'Read options from this JSON file.' },
  { flags: '-h, --help', help: 'Print this and end.' },
  { flags: '    --version', help: 'Print the version and end.' },
]

/** What `--help` prints: every option of the table, in groups. */
export function help(): string {
  const groups = new Map<Group, Option[]>()
  for (const option of options) groups.set(option.group, [...(groups.get(option.group) ?? []), option])
  const sections = [...groups].map(([group, rows]) => section(group, rows.map(entry)))
  return [
    'Usage: hookbox [options]',
    'Keeps the sockets of browsers and asks your web application, by webhooks, what they may do.\nWithout options it admits everyone, for trying out.',
    ...sections,
    section('More', own),
    example('Try it out, then with a web application at port 3000:', [
      'hookbox',
      'hookbox --cbport 3000 --cbpath /hookbox -r "$REST_SECRET" -s "$WEBHOOK_SECRET"',
    ]),
    naming(),
  ].join('\n\n')
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
