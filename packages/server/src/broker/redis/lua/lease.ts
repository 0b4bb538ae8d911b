import { lua, type Script, script } from '../script.ts'

// A lease is a key of its own beside what it is about, which holds `<node> <random>` and goes by itself in time. In the hash
// `waiting` beside it stand the nodes that wait for it, each with since when and how lately it asked; in the set `watching`
// those that only wait until whoever holds it gives it back. All times are Redis's.

/** Takes for how long a waiting node is waited for. */
const queue = lua`
local stale = number()
local time = redis.call('TIME')
-- In microseconds, as many may come within one millisecond.
local now = time[1] * 1000000 + time[2]

-- Who has waited longest of those who still do, and how many these are.
local function longest()
  local all = redis.call('HGETALL', waiting)
  local found, found_since, count = false, 0, 0
  for i = 1, #all, 2 do
    local since, seen = string.match(all[i + 1], '^(%d+) (%d+)$')
    if now - tonumber(seen or 0) > stale * 1000 then
      redis.call('HDEL', waiting, all[i])
    else
      count = count + 1
      since = tonumber(since)
      if not found or since < found_since or (since == found_since and all[i] < found) then
        found, found_since = all[i], since
      end
    end
  end
  return found, count
end
`

export const askLease: Script = script(
  'lease',
  ['lease', 'waiting'],
  queue,
  lua`
local node, token, duration, is_waiting = arg(), arg(), arg(), flag()
local holder = redis.call('GET', lease)
local first, count = longest()
if not holder and (not first or (is_waiting and first == node)) then
  if redis.call('HDEL', waiting, node) == 1 then count = count - 1 end
  redis.call('SET', lease, token, 'PX', duration)
  return {'given', count}
end
if is_waiting then
  local since = string.match(redis.call('HGET', waiting, node) or '', '^(%d+)') or string.format('%.0f', now)
  redis.call('HSET', waiting, node, since .. ' ' .. string.format('%.0f', now))
  redis.call('PEXPIRE', waiting, stale * 4)
end
return {'held', holder or '', first or ''}
`,
)

/** Tells who is to be told that it is free: whoever waits for it longest, and all who watch. False where it was not held. */
export const releaseLease: Script = script(
  'release',
  ['lease', 'waiting', 'watching'],
  queue,
  lua`
if redis.call('GET', lease) ~= arg() then return false end
redis.call('DEL', lease)
local told = redis.call('SMEMBERS', watching)
redis.call('DEL', watching)
local first = longest()
if first then told[#told + 1] = first end
return told
`,
)

/** Tells who holds it. */
export const watchLease: Script = script(
  'watch',
  ['lease', 'watching'],
  lua`
local node, stale = arg(), arg()
local holder = redis.call('GET', lease)
if holder then
  redis.call('SADD', watching, node)
  redis.call('PEXPIRE', watching, stale)
end
return holder or ''
`,
)

export const renewLease: Script = script(
  'renew',
  ['lease'],
  lua`
if redis.call('GET', lease) ~= arg() then return 0 end
return redis.call('PEXPIRE', lease, arg())
`,
)

export const leaseScripts: readonly Script[] = [askLease, releaseLease, watchLease, renewLease]
