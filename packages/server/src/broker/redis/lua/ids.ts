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

local function drop_id(id)
  local value = redis.call('HGET', ids, '=' .. id)
  redis.call('ZREM', order, id)
  if not value then return end
  redis.call('HDEL', ids, '=' .. id)
  local frame = string.match(value, '^%S+ F ()')
  if frame then redis.call('HINCRBY', ids, 'bytes', -(#value - frame + 1)) end
end

local function forget_ids()
  while true do
    local oldest = redis.call('ZRANGE', order, 0, 0)[1]
    if not oldest then return end
    local at = string.match(redis.call('HGET', ids, '=' .. oldest) or '', '^(%S+)')
    if at and tonumber(at) > now - id_duration and redis.call('ZCARD', order) <= id_size
      and tonumber(redis.call('HGET', ids, 'bytes') or 0) <= id_bytes then return end
    drop_id(oldest)
  end
end

local function recall_id(id)
  forget_ids()
  local value = redis.call('HGET', ids, '=' .. id)
  return value and string.match(value, '^%S+ (.*)$')
end

local function note_id(id, outcome)
  drop_id(id)
  redis.call('ZADD', order, redis.call('HINCRBY', ids, 'count', 1), id)
  redis.call('HSET', ids, '=' .. id, string.format('%.0f', now) .. ' ' .. outcome)
  if string.sub(outcome, 1, 2) == 'F ' then redis.call('HINCRBY', ids, 'bytes', #outcome - 2) end
  redis.call('PEXPIRE', ids, ${safetyNet})
  redis.call('PEXPIRE', order, ${safetyNet})
  forget_ids()
end
`
