import { lua } from '../script.ts'

/** Bytes of one channel's history; older entries go first. */
const historyBytes = 16_777_216

/**
 * A channel's history: the list `history`, of `<serial> <offset> <time> P|O <text>`, of which `P` is a publish; in `meta` the
 * last `serial`, the `kept_bytes`, and whether it is `mixed`: it may hold others than publishes.
 *
 * Takes the arguments size, duration, only publishes. Needs `now`.
 */
export const history: string = lua`
local keep_size, keep_duration, keep_publishes = number(), number(), flag()

-- Takes how many there are, and their bytes; tells how many are left.
local function trim_history(length, before)
  local bytes = before
  local excess = length - keep_size
  if excess > 0 then
    for _, entry in ipairs(redis.call('LPOP', history, excess)) do
      bytes = bytes - (#entry - string.match(entry, '^%S+ %S+ %S+ %S ()') + 1)
    end
    length = length - excess
  end
  while length > 0 do
    local is_over = bytes > ${historyBytes}
    if not is_over and keep_duration == 0 then break end
    local oldest = is_over and redis.call('LPOP', history) or redis.call('LINDEX', history, 0)
    local at, start = string.match(oldest, '^%S+ %S+ (%S+) %S ()')
    if not is_over then
      if tonumber(at) > now - keep_duration then break end
      redis.call('LPOP', history)
    end
    bytes = bytes - (#oldest - start + 1)
    length = length - 1
  end
  if bytes ~= before then redis.call('HSET', meta, 'kept_bytes', bytes) end
  return length
end

local function drop_others()
  if redis.call('HGET', meta, 'mixed') ~= '1' then return end
  local bytes = 0
  local all = redis.call('LRANGE', history, 0, -1)
  redis.call('DEL', history)
  for _, entry in ipairs(all) do
    local kind, start = string.match(entry, '^%S+ %S+ %S+ (%S) ()')
    if kind == 'P' then
      redis.call('RPUSH', history, entry)
      bytes = bytes + #entry - start + 1
    end
  end
  redis.call('HSET', meta, 'mixed', 0, 'kept_bytes', bytes)
end

-- What is read is within what is kept now, whatever was kept before. Tells how many there are.
local function tidy_history()
  if keep_publishes then drop_others() end
  local length = redis.call('LLEN', history)
  if length > 0 then return trim_history(length, tonumber(redis.call('HGET', meta, 'kept_bytes') or 0)) end
  redis.call('HSET', meta, 'kept_bytes', 0)
  return 0
end

local kept, kept_bytes, kept_others = {}, 0, false

-- It is kept by finish_history().
local function keep_entry(name, number, at, is_told, inside)
  local is_publish = name == 'PUBLISH'
  if keep_publishes and not is_publish then return end
  kept_others = kept_others or not is_publish
  local shown = is_told and '"offset":' .. number .. ',' or ''
  local text = '["' .. name .. '",{' .. shown .. inside .. '}]'
  kept[#kept + 1] = ' ' .. number .. ' ' .. at .. ' ' .. (is_publish and 'P' or 'O') .. ' ' .. text
  kept_bytes = kept_bytes + #text
end

local function finish_history()
  local count = #kept
  if count == 0 then return end
  if kept_others then redis.call('HSET', meta, 'mixed', 1) end
  local serial = redis.call('HINCRBY', meta, 'serial', count) - count
  for i = 1, count do kept[i] = (serial + i) .. kept[i] end
  trim_history(push(history, kept), redis.call('HINCRBY', meta, 'kept_bytes', kept_bytes))
  kept, kept_bytes, kept_others = {}, 0, false
end

local function text_of(entry)
  return string.sub(entry, (string.match(entry, '^%S+ %S+ %S+ %S ()')))
end

-- What was collected from the newest on, oldest first.
local function reversed(texts)
  local turned = {}
  for i = #texts, 1, -1 do turned[#turned + 1] = texts[i] end
  return turned
end
`
