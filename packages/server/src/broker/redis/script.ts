import { createHash } from 'node:crypto'

/** One atomic step, as Redis runs it. */
export interface Script {
  readonly name: string
  readonly text: string
  readonly sha: string
  /** The parts of a spot that it works on: each is a variable of that name. With a colon at its end, one stands for many. */
  readonly parts: readonly string[]
}

/** Marks text as Lua. Backslashes are Lua's. */
export function lua(text: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return String.raw(text, ...values)
}

/**
 * A script over the given parts. Arguments are taken one after another with `arg()`. The first of all is in `life`: that of
 * the server (see link.ts).
 */
export function script(name: string, parts: readonly string[], ...text: readonly string[]): Script {
  const keys = parts.map((part, i) => `local ${part.replace(':', '')} = KEYS[${i + 1}]\n`).join('')
  const whole = [kind, keys + begin, ...text].join('\n')
  return { name, text: whole, sha: createHash('sha1').update(whole).digest('hex'), parts }
}

/**
 * A script that says what it is, and no more, is taken for one that writes. Where it may not (a replica, no memory left) it is
 * refused before it begins; without this, it would be ended at its first write, or answer what is no longer true.
 */
const kind = '#!lua'

const begin = lua`
local taken = 0
local function arg()
  taken = taken + 1
  return ARGV[taken]
end
local function number() return tonumber(arg()) end
local function flag() return arg() == '1' end
local life = arg()

-- Puts these behind a list, and gives its length; Lua cannot pass on very many at a time.
local function push(list, entries)
  local length
  for from = 1, #entries, 1000 do
    length = redis.call('RPUSH', list, unpack(entries, from, math.min(from + 999, #entries)))
  end
  return length
end
`
