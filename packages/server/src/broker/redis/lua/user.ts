import { recoveryWindow } from '../../memory/recovery-log.ts'
import { lua, type Script, script } from '../script.ts'
import { safetyNet } from './bounds.ts'
import { ids } from './ids.ts'
import { log } from './log.ts'

// A user's spot holds
//
//   user          hash, while the user is there: `=<option>` → JSON, `token` (see indexes.ts) and a counter
//   connections   sorted set: connections by when they came
//   connection:*  hash of each: `node`, `live`, `page`, `cookies`, `address`, `ticket`, `=<channel>` → `asked` or `given`
//   meta, window  the log of private messages (see log.ts); `left`, since when the user is gone; `turn`, which counts what is
//                 told besides messages
//   ids, order    ids of messages that the user sent (see ids.ts)
//
// and tells `T` and `E` as a channel does, `A <epoch> <turn> <offset>` when the user's first connection has come and where the
// log stands then, `G <epoch> <turn>` when the last has gone, and `O <epoch> <turn> <options>`.

const logParts = ['meta', 'window'] as const

/** The names of options and channels have a sign before them, so that they are apart from what stands beside them. */
const named = lua`
local function named(hash)
  local all, found = redis.call('HGETALL', hash), {}
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 1) == '=' then
      found[#found + 1] = string.sub(all[i], 2)
      found[#found + 1] = all[i + 1]
    end
  end
  return found
end

-- Takes how many, and each with its value.
local function set_options()
  local count = number()
  for i = 1, count do
    local name, value = arg(), arg()
    redis.call('HSET', user, '=' .. name, value)
  end
  return count
end

`

/** Tells a change, with its number. Where the log is gone, whoever hears it looks how things stand. */
const turns = lua`
local function tell_turn(topic, kind, rest)
  local epoch = redis.call('HGET', meta, 'epoch')
  local turn = epoch and redis.call('HINCRBY', meta, 'turn', 1) or 0
  redis.call('SPUBLISH', topic, kind .. ' ' .. (epoch or 'none') .. ' ' .. turn .. ' ' .. rest)
end

local function tell_options(topic, found)
  local texts = {}
  for i = 1, #found, 2 do texts[#texts + 1] = cjson.encode(found[i]) .. ':' .. found[i + 1] end
  tell_turn(topic, 'O', '{' .. table.concat(texts, ',') .. '}')
end
`

/** Whether the log of private messages is there: it outlives the user for a while. Ends one that has outlived that. */
const standing = lua`
local function is_kept()
  local left = redis.call('HGET', meta, 'left')
  if left and tonumber(left) <= now - ${recoveryWindow.duration} then redis.call('DEL', meta, window) end
  return stand()
end
`

export const enterUser: Script = script(
  'user-enter',
  ['user', 'connections', ...logParts, 'connection'],
  log,
  named,
  turns,
  standing,
  lua`
local id, token = arg(), arg()
local is_first = redis.call('EXISTS', connections) == 0
if is_first then redis.call('DEL', user) end
local defaults = number()
for i = 1, defaults do
  local name, value = arg(), arg()
  if is_first then redis.call('HSET', user, '=' .. name, value) end
end
local has_changes = set_options() > 0
redis.call('HSET', user, 'token', token)
if not redis.call('ZSCORE', connections, id) then
  redis.call('ZADD', connections, redis.call('HINCRBY', user, 'count', 1), id)
end
local old_ticket = redis.call('HGET', connection, 'ticket')
redis.call('DEL', connection)
for i = 1, number() do redis.call('HSET', connection, arg(), arg()) end
if not is_kept() then
  epoch, offset, window_bytes = spare, 0, 0
  redis.call('HSET', meta, 'epoch', epoch, 'offset', 0, 'life', life, 'bytes', 0)
end
redis.call('HDEL', meta, 'left')
redis.call('PERSIST', meta)
local options = named(user)
if is_first then tell_turn(topic, 'A', offset) end
if not is_first and has_changes then tell_options(topic, options) end
return {is_first and 1 or 0, options, old_ticket}
`,
)

export const updateConnection: Script = script(
  'user-update',
  ['connection'],
  lua`
if redis.call('HGET', connection, 'node') ~= arg() then return false end
local old_ticket = redis.call('HGET', connection, 'ticket')
for i = 1, number() do redis.call('HDEL', connection, arg()) end
for i = 1, number() do redis.call('HSET', connection, arg(), arg()) end
return old_ticket or ''
`,
)

export const leaveUser: Script = script(
  'user-leave',
  ['user', 'connections', ...logParts, 'connection'],
  turns,
  lua`
local node, id, topic, now = arg(), arg(), arg(), arg()
if redis.call('HGET', connection, 'node') ~= node then return false end
local ticket = redis.call('HGET', connection, 'ticket')
redis.call('DEL', connection)
redis.call('ZREM', connections, id)
if redis.call('ZCARD', connections) > 0 then return {0, ticket or '', ''} end
local token = redis.call('HGET', user, 'token')
redis.call('DEL', user)
if redis.call('EXISTS', meta) == 1 then
  redis.call('HSET', meta, 'left', now)
  redis.call('PEXPIRE', meta, ${safetyNet})
end
tell_turn(topic, 'G', '')
return {1, ticket or '', token or ''}
`,
)

export const claimConnection: Script = script(
  'user-claim',
  ['connection'],
  lua`
local id, node = arg(), arg()
local before = redis.call('HGET', connection, 'node')
if not before or before == node then return {before or ''} end
redis.call('HSET', connection, 'node', node)
return {before, redis.call('HGETALL', connection)}
`,
)

export const takeTicket: Script = script(
  'user-ticket',
  ['connection'],
  lua`
local text = arg()
local ticket = redis.call('HGET', connection, 'ticket')
if not ticket or cjson.decode(ticket).text ~= text then return false end
local found = redis.call('HGETALL', connection)
redis.call('HDEL', connection, 'ticket')
return found
`,
)

export const changeUserOptions: Script = script(
  'user-options',
  ['user', 'connections', 'meta'],
  named,
  turns,
  lua`
local topic = arg()
if redis.call('EXISTS', connections) == 0 then return false end
set_options()
local options = named(user)
tell_options(topic, options)
return options
`,
)

export const findUser: Script = script(
  'user-find',
  ['user', 'connections', 'connection:'],
  named,
  lua`
local ids = redis.call('ZRANGE', connections, 0, -1)
if #ids == 0 then return false end
local found = {}
for i, id in ipairs(ids) do found[i] = {id, redis.call('HGETALL', KEYS[3] .. id)} end
return {named(user), found}
`,
)

/** The user's live connections; false where the user is not there. */
export const liveConnections: Script = script(
  'user-live',
  ['connections', 'connection:'],
  lua`
local ids = redis.call('ZRANGE', connections, 0, -1)
if #ids == 0 then return false end
local found = {}
for _, id in ipairs(ids) do
  if redis.call('HGET', KEYS[2] .. id, 'live') == '1' then found[#found + 1] = id end
end
return found
`,
)

/** What a node needs to follow a user. */
export const standUser: Script = script(
  'user-stand',
  ['user', 'connections', ...logParts],
  log,
  named,
  standing,
  lua`
local since_epoch, since_offset = arg(), number()
local is_here = redis.call('EXISTS', connections)
if not is_kept() then return {is_here, named(user)} end
-- Whoever has heard of no log before has missed all of it.
if since_epoch == 'none' then since_epoch = epoch end
return {is_here, named(user), epoch, offset, missed(since_epoch, since_offset), redis.call('HGET', meta, 'turn')}
`,
)

export const sendMessage: Script = script(
  'message-send',
  logParts,
  log,
  standing,
  lua`
local inside = arg()
if not is_kept() then return false end
tell('MESSAGE', '-', '[0,"MESSAGE",{' .. inside .. ',"offset":', '}]')
finish_telling()
return {epoch, offset}
`,
)

export const readMessages: Script = script(
  'message-read',
  logParts,
  log,
  standing,
  lua`
local since_epoch, since_offset = arg(), number()
if not is_kept() then return false end
return {epoch, offset, missed(since_epoch, since_offset)}
`,
)

export const wasSent: Script = script(
  'message-was-sent',
  ['ids', 'order'],
  lua`local now = number()`,
  ids,
  lua`return recall_id(arg()) and 1 or 0`,
)

export const noteSent: Script = script(
  'message-sent',
  ['ids', 'order'],
  lua`local now = number()`,
  ids,
  lua`return note_id(arg(), 'S')`,
)

export const userScripts: readonly Script[] = [
  enterUser,
  updateConnection,
  leaveUser,
  claimConnection,
  takeTicket,
  changeUserOptions,
  findUser,
  liveConnections,
  standUser,
  sendMessage,
  readMessages,
  wasSent,
  noteSent,
]
