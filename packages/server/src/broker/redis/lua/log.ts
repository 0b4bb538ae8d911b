import { recoveryWindow } from '../../memory/recovery-log.ts'
import { lua } from '../script.ts'
import { safetyNet } from './bounds.ts'

/**
 * A log: in the hash `meta` its `epoch`, its `offset`, the `life` of the server under which that was numbered and the `bytes`
 * of its recovery window; in the list `window` what was told last, without a gap, up to `offset`. Each is
 * `<time> <name> <origin> <frame>`.
 *
 * Takes the arguments topic, now, spare epoch, and the position that this node has heard of.
 */
export const log: string = lua`
local topic, now, spare = arg(), number(), arg()
local heard_epoch, heard_offset = arg(), number()
local epoch, offset, window_bytes

-- Reads where the log stands; false where there is none. Numbers given under another life of the server, or below what this
-- node has heard already, may have been given twice: from here on they belong to a new epoch.
local function stand()
  local found = redis.call('HMGET', meta, 'epoch', 'offset', 'life', 'bytes')
  if not found[1] then return false end
  epoch, offset, window_bytes = found[1], tonumber(found[2]), tonumber(found[4] or 0)
  local is_behind = heard_epoch == epoch and offset < heard_offset
  if found[3] ~= life or is_behind then
    epoch, window_bytes = spare, 0
    redis.call('HSET', meta, 'epoch', epoch, 'life', life, 'bytes', 0)
    redis.call('DEL', window)
    redis.call('SPUBLISH', topic, 'E ' .. epoch .. ' ' .. offset)
  end
  return true
end

-- Gives how many are left. What is left of window_bytes is for the caller to write.
local function trim_window(length)
  local excess = length - ${recoveryWindow.size}
  if excess > 0 then
    for _, entry in ipairs(redis.call('LPOP', window, excess)) do
      window_bytes = window_bytes - (#entry - string.match(entry, '^%S+ %S+ %S+ ()') + 1)
    end
    length = length - excess
  end
  while length > 0 do
    local is_over = window_bytes > ${recoveryWindow.bytes}
    local oldest = is_over and redis.call('LPOP', window) or redis.call('LINDEX', window, 0)
    local at, start = string.match(oldest, '^(%S+) %S+ %S+ ()')
    if not is_over then
      if tonumber(at) > now - ${recoveryWindow.duration} then break end
      redis.call('LPOP', window)
    end
    window_bytes = window_bytes - (#oldest - start + 1)
    length = length - 1
  end
  return length
end

local told, told_bytes = {}, 0

-- Gives the next number. It is kept and told by finish_telling().
local function tell(name, origin, frame_start, frame_end)
  offset = offset + 1
  local frame = frame_start .. offset .. frame_end
  told[#told + 1] = string.format('%.0f', now) .. ' ' .. name .. ' ' .. origin .. ' ' .. frame
  told_bytes = told_bytes + #frame
end

-- Keeps what was numbered, and tells all of it at once: no entry holds a line feed.
local function finish_telling()
  local count = #told
  if count == 0 then return end
  local length = push(window, told)
  -- Redis may have let go of all that was there before.
  if length == count then window_bytes = 0 end
  window_bytes = window_bytes + told_bytes
  trim_window(length)
  redis.call('HSET', meta, 'offset', offset, 'bytes', window_bytes)
  redis.call('PEXPIRE', window, ${safetyNet})
  redis.call('SPUBLISH', topic, 'T ' .. epoch .. ' ' .. (offset - count + 1) .. ' ' .. table.concat(told, '\n'))
  told, told_bytes = {}, 0
end

-- Everything told after a position, or false where some of it is gone.
local function missed(since_epoch, since_offset)
  if since_epoch ~= epoch or since_offset > offset then return false end
  local count = offset - since_offset
  if count == 0 then return {} end
  local before = window_bytes
  local length = trim_window(redis.call('LLEN', window))
  if window_bytes ~= before then redis.call('HSET', meta, 'bytes', window_bytes) end
  if length < count then return false end
  return redis.call('LRANGE', window, -count, -1)
end
`
