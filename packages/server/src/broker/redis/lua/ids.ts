import { lua } from '../script.ts'
import { safetyNet } from './bounds.ts'

/**
 * What became of what was sent under an id, for a while: in the hash `ids` under `=<id>` as `<time> <outcome>`, in the
 * sorted set `order` the ids, oldest first. An outcome is `P <epoch> <offset>`, or `F <frame>`, whose bytes count.
 *
 * Takes the arguments how long, how many, how many bytes. Needs `now`.
 */
export const ids: string = lua`
local id_duration, id_size, id_bytes = number(), number(), number()

-- How many there are, and their bytes, once that was looked at; whether the oldest was seen to be young enough (then all are), and
-- whether it was said for how long they are kept.
local id_count, id_held, is_young, is_lasting

local function count_ids()
  if id_count then return end
  id_count = redis.call('ZCARD', order)
  id_held = tonumber(redis.call('HGET', ids, 'bytes') or 0)
end

local function drop_id(id)
  count_ids()
  local value = redis.call('HGET', ids, '=' .. id)
  id_count = id_count - redis.call('ZREM', order, id)
  -- What is empty is gone, and what it was to last with it.
  if id_count == 0 then is_lasting = false end
  if not value then return end
  redis.call('HDEL', ids, '=' .. id)
  local frame = string.match(value, '^%S+ F ()')
  if frame then id_held = redis.call('HINCRBY', ids, 'bytes', -(#value - frame + 1)) end
end

local function forget_ids()
  count_ids()
  while not (is_young and id_count <= id_size and id_held <= id_bytes) do
    local oldest = redis.call('ZRANGE', order, 0, 0)[1]
    if not oldest then return end
    local at = string.match(redis.call('HGET', ids, '=' .. oldest) or '', '^(%S+)')
    is_young = at and tonumber(at) > now - id_duration
    if not is_young or id_count > id_size or id_held > id_bytes then drop_id(oldest) end
  end
end

local function recall_id(id)
  forget_ids()
  local value = redis.call('HGET', ids, '=' .. id)
  return value and string.match(value, '^%S+ (.*)$')
end

local function note_id(id, outcome)
  if redis.call('HGET', ids, '=' .. id) then drop_id(id) end
  count_ids()
  id_count = id_count + redis.call('ZADD', order, redis.call('HINCRBY', ids, 'count', 1), id)
  redis.call('HSET', ids, '=' .. id, string.format('%.0f', now) .. ' ' .. outcome)
  if string.sub(outcome, 1, 2) == 'F ' then id_held = redis.call('HINCRBY', ids, 'bytes', #outcome - 2) end
  if not is_lasting then
    redis.call('PEXPIRE', ids, ${safetyNet})
    redis.call('PEXPIRE', order, ${safetyNet})
    is_lasting = true
  end
  forget_ids()
end
`
