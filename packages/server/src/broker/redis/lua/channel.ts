import { limits } from '@hookbox/protocol'
import { lua, type Script, script } from '../script.ts'
import { appending, appendingOne } from './appending.ts'
import { history } from './history.ts'
import { ids } from './ids.ts'
import { log } from './log.ts'

// A channel's spot holds
//
//   meta         its log (see log.ts) and history (see history.ts), and of the channel: `born`, which tells it from one of the
//                same name before it, `token` (see indexes.ts), `options`, `revision`, `visits`, `kept`, and counters
//   window       list: the log's recovery window
//   history      list
//   state        hash: key → `<order> <JSON>`
//   members      sorted set: users by when they came
//   connections  sorted set: `<user>\n<connection>`, in the order of the alphabet
//   initial      hash: user → JSON
//   owed         hash: user → `<id> <JSON>`
//   expected     hash: connection → until when it is expected
//   ids, order   message ids (see ids.ts), which outlive it
//   destroy      the lease by whose holder the application is asked whether it may go
//
// and tells `T <epoch> <offset of the first> <entries, a line each>`, `E <epoch> <offset>` where the log goes on in a new epoch, `O <born> <revision>
// <options>`, and `R <born>` when it is gone.

const logParts = ['meta', 'window'] as const
const idParts = ['ids', 'order'] as const

/** A first history: takes how many, and of each its name, time, inside, whether it has an id and which. */
const prefill = lua`
local function prefill()
  redis.call('DEL', history)
  redis.call('HSET', meta, 'kept_bytes', 0)
  for i = 1, number() do
    local name, at, inside, has_id, id = arg(), arg(), arg(), flag(), arg()
    keep_entry(name, offset, at, false, inside)
    if has_id then note_id(id, 'P ' .. epoch .. ' ' .. offset) end
  end
  finish_history()
end
`

/** Takes how many keys go, and which; how many are set, and each with its value. */
const stateChange = lua`
local function change_state()
  for i = 1, number() do redis.call('HDEL', state, arg()) end
  for i = 1, number() do
    local key, value = arg(), arg()
    local place = string.match(redis.call('HGET', state, key) or '', '^(%d+) ')
    redis.call('HSET', state, key, (place or redis.call('HINCRBY', meta, 'state_count', 1)) .. ' ' .. value)
  end
end
`

export const createChannel: Script = script(
  'create',
  [...logParts, 'history', 'state', ...idParts],
  log,
  ids,
  history,
  prefill,
  stateChange,
  lua`
local born, token, options = arg(), arg(), arg()
if redis.call('EXISTS', meta) == 1 then
  -- It is named in the index by this token now.
  redis.call('HSET', meta, 'token', token)
  return 0
end
epoch, offset, window_bytes = spare, 0, 0
redis.call('HSET', meta, 'epoch', epoch, 'offset', 0, 'life', life, 'bytes', 0, 'born', born, 'token', token,
  'options', options, 'revision', 1, 'visits', 0, 'kept', 0)
prefill()
change_state()
return 1
`,
)

/** What a node needs to follow a channel: tells it with everything after a position, and the life of the server in any case. */
export const standChannel: Script = script(
  'stand',
  logParts,
  log,
  lua`
local since_epoch, since_offset = arg(), number()
if not stand() then return {life} end
local found = redis.call('HMGET', meta, 'born', 'options', 'revision')
return {life, found[1], found[2], found[3], epoch, offset, missed(since_epoch, since_offset)}
`,
)

export const changeChannel: Script = script(
  'change',
  [...logParts, 'history', 'state', ...idParts],
  log,
  ids,
  history,
  appendingOne,
  prefill,
  stateChange,
  lua`
local revision = arg()
local has_options, options = flag(), arg()
local has_history, has_state = flag(), flag()
if not stand() then return 'missing' end
if redis.call('HGET', meta, 'revision') ~= revision then return 'changed' end
revision = redis.call('HINCRBY', meta, 'revision', 1)
if has_options then redis.call('HSET', meta, 'options', options) end
if has_history then prefill() end
if has_state then
  change_state()
  tell_channel(what_name, what_origin, what_inside)
  finish_telling()
end
if has_options then
  local born = redis.call('HGET', meta, 'born')
  redis.call('SPUBLISH', topic, 'O ' .. born .. ' ' .. revision .. ' ' .. options)
end
return {redis.call('HGET', meta, 'options'), revision}
`,
)

/** Takes the time. */
const using = lua`
local now = number()
local function is_used()
  local all, is_expected = redis.call('HGETALL', expected), false
  for i = 1, #all, 2 do
    if tonumber(all[i + 1]) > now then is_expected = true else redis.call('HDEL', expected, all[i]) end
  end
  local is_in = redis.call('ZCARD', members) > 0 or redis.call('HLEN', owed) > 0
  return is_in or is_expected, not is_in and is_expected
end
`

export const lookChannel: Script = script(
  'look',
  ['meta', 'members', 'owed', 'expected'],
  using,
  lua`
local found = redis.call('HMGET', meta, 'epoch', 'kept', 'visits')
if not found[1] then return false end
local used, only_expected = is_used()
return {used and 1 or 0, only_expected and 1 or 0, found[2], found[3]}
`,
)

export const keepChannel: Script = script(
  'keep',
  ['meta'],
  lua`
local found = redis.call('HMGET', meta, 'epoch', 'visits')
if not found[1] then return 'missing' end
if found[2] ~= arg() then return 0 end
redis.call('HSET', meta, 'kept', 1)
return 1
`,
)

export const removeChannel: Script = script(
  'remove',
  ['meta', 'window', 'history', 'state', 'members', 'connections', 'initial', 'owed', 'expected'],
  using,
  lua`
local topic, only_unused = arg(), flag()
local found = redis.call('HMGET', meta, 'born', 'token')
if not found[1] then return false end
if only_unused and is_used() then return false end
redis.call('UNLINK', meta, window, history, state, members, connections, initial, owed, expected)
redis.call('SPUBLISH', topic, 'R ' .. found[1])
return found[2]
`,
)

/** Takes how many things, and each. Gives the epoch, and what became of each: its number, or what is known of its id. */
export const appendToChannel: Script = script(
  'append',
  [...logParts, 'history', ...idParts],
  log,
  ids,
  history,
  appending,
  lua`
if not stand() then return false end
local outcomes = {epoch}
for i = 1, number() do
  take_what()
  outcomes[i + 1] = append()
end
finish()
return outcomes
`,
)

export const recallId: Script = script('recall', idParts, lua`local now = number()`, ids, lua`return recall_id(arg())`)

export const rememberId: Script = script(
  'remember',
  idParts,
  lua`local now = number()`,
  ids,
  lua`return note_id(arg(), arg())`,
)

export const readChannel: Script = script(
  'read',
  [...logParts, 'history', 'state', 'members'],
  log,
  history,
  lua`
local since_epoch, since_offset, wanted = arg(), number(), arg()
if not stand() then return false end
local length = tidy_history()
local inside = wanted == 'members' and redis.call('ZRANGE', members, 0, -1) or {}
local texts, bytes, from = {}, 0, length
-- From the newest on, a few at a time: most that is kept may be older than what fits.
while from > 0 do
  local some = redis.call('LRANGE', history, math.max(0, from - 64), from - 1)
  local is_full = false
  for i = #some, 1, -1 do
    local text = text_of(some[i])
    bytes = bytes + #text
    is_full = bytes > ${limits.historyAnswer}
    if is_full then break end
    texts[#texts + 1] = text
    from = from - 1
  end
  if is_full then break end
end
return {epoch, offset, missed(since_epoch, since_offset), table.concat(reversed(texts), ','), from,
  redis.call('HGETALL', state), inside, redis.call('HGET', meta, 'revision')}
`,
)

export const readHistory: Script = script(
  'history',
  [...logParts, 'history'],
  log,
  history,
  lua`
local limit, way, cursor_epoch = number(), arg(), arg()
local since_epoch, after, before_epoch, before = arg(), arg(), arg(), arg()
if not stand() then return false end
local length = tidy_history()
local is_cursor = way ~= ''
if is_cursor and cursor_epoch ~= epoch then return {'cursor', epoch, offset} end
if since_epoch ~= '' and since_epoch ~= epoch then return {'since', epoch, offset} end
if before_epoch ~= '' and before_epoch ~= epoch then return {'before', epoch, offset} end

-- The place of the first entry whose serial, or whose number, is at least that.
local function first(field, least)
  local low, high = 0, length
  while low < high do
    local middle = math.floor((low + high) / 2)
    local serial, number = string.match(redis.call('LINDEX', history, middle), '^(%S+) (%S+)')
    if tonumber(field == 'serial' and serial or number) >= least then high = middle else low = middle + 1 end
  end
  return low
end

local function serial_at(place)
  local entry = redis.call('LINDEX', history, place)
  if not entry then return tonumber(redis.call('HGET', meta, 'serial') or 0) + 1 end
  return tonumber(string.match(entry, '^(%S+)'))
end

local is_forward = way == 'f' or (not is_cursor and after ~= '')
local from, to, last_serial, end_serial
if is_cursor then
  last_serial, end_serial = tonumber(after), tonumber(before)
  from, to = first('serial', last_serial + 1), first('serial', end_serial)
else
  from = after == '' and 0 or first('number', tonumber(after) + 1)
  to = before == '' and length or first('number', tonumber(before))
  last_serial = after == '' and 0 or serial_at(from) - 1
  end_serial = serial_at(to)
end

local texts, bytes = {}, 0
local place = is_forward and from or to - 1
while place >= from and place < to do
  local entry = redis.call('LINDEX', history, place)
  local text = text_of(entry)
  bytes = bytes + #text
  if #texts > 0 and (#texts >= limit or bytes > ${limits.historyAnswer}) then break end
  texts[#texts + 1] = text
  local serial = tonumber(string.match(entry, '^(%S+)'))
  if is_forward then last_serial = serial else end_serial = serial end
  place = place + (is_forward and 1 or -1)
end
local is_rest = #texts > 0 and place >= from and place < to
local next_cursor = is_rest and epoch .. '.' .. (is_forward and 'f' or 'b') .. '.' .. last_serial .. '.' .. end_serial
if not is_forward then texts = reversed(texts) end
return {'piece', table.concat(texts, ','), next_cursor}
`,
)

export const enterChannel: Script = script(
  'enter',
  [...logParts, 'history', 'members', 'connections', 'expected', ...idParts, 'destroy'],
  log,
  ids,
  history,
  appendingOne,
  lua`
local user, connection, is_anyway = arg(), arg(), flag()
if not stand() then return false end
local is_member = redis.call('ZSCORE', members, user)
if not is_member and not is_anyway and redis.call('EXISTS', destroy) == 1 then return 'closing' end
redis.call('HDEL', expected, connection)
if is_member then
  redis.call('ZADD', connections, 0, user .. '\n' .. connection)
  return 'further'
end
redis.call('ZADD', members, redis.call('HINCRBY', meta, 'visits', 1), user)
redis.call('ZADD', connections, 0, user .. '\n' .. connection)
redis.call('HSET', meta, 'kept', 0)
append()
finish()
return 'first'
`,
)

export const leaveChannel: Script = script(
  'leave',
  [...logParts, 'history', 'members', 'connections', 'initial', 'owed', ...idParts],
  log,
  ids,
  history,
  appendingOne,
  lua`
local user, connection, is_owed, owe = arg(), arg(), flag(), arg()
if not stand() then return {0, 1} end
local was_in = redis.call('ZREM', connections, user .. '\n' .. connection) == 1
local is_last = was_in and redis.call('ZLEXCOUNT', connections, '[' .. user .. '\n', '(' .. user .. '\v') == 0
if is_last then
  redis.call('ZREM', members, user)
  redis.call('HDEL', initial, user)
  if is_owed then redis.call('HSET', owed, user, owe) end
  append()
  finish()
end
return {is_last and 1 or 0, redis.call('ZCARD', members) == 0 and 1 or 0}
`,
)

/** With a connection and until when, that is expected from now on. */
export const findMember: Script = script(
  'find',
  ['meta', 'connections', 'initial', 'owed', 'expected', 'destroy'],
  lua`
local user, connection, till = arg(), arg(), arg()
if redis.call('EXISTS', meta) == 0 then return false end
if connection and redis.call('EXISTS', destroy) == 0 then redis.call('HSET', expected, connection, till) end
return {redis.call('ZRANGEBYLEX', connections, '[' .. user .. '\n', '(' .. user .. '\v'),
  redis.call('HGET', initial, user), redis.call('HGET', owed, user), redis.call('EXISTS', destroy)}
`,
)

export const provideToMember: Script = script(
  'provide',
  ['meta', 'members', 'initial'],
  lua`
local user, has_data, data = arg(), flag(), arg()
if redis.call('EXISTS', meta) == 0 then return 0 end
if not has_data then redis.call('HDEL', initial, user)
elseif redis.call('ZSCORE', members, user) then redis.call('HSET', initial, user, data) end
return 1
`,
)

export const settleLeave: Script = script(
  'settle',
  ['owed'],
  lua`
local user, id = arg(), arg()
local owe = redis.call('HGET', owed, user)
if owe and string.sub(owe, 1, #id + 1) == id .. ' ' then redis.call('HDEL', owed, user) end
return 1
`,
)

export const channelScripts: readonly Script[] = [
  createChannel,
  standChannel,
  changeChannel,
  lookChannel,
  keepChannel,
  removeChannel,
  appendToChannel,
  recallId,
  rememberId,
  readChannel,
  readHistory,
  enterChannel,
  leaveChannel,
  findMember,
  provideToMember,
  settleLeave,
]
