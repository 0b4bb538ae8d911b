import { lua, type Script, script } from '../script.ts'

// The spot of all nodes holds
//
//   nodes     sorted set: nodes by when they last gave a sign of life
//   estates   hash: a node that is gone → who takes over what it left, or nobody yet
//   started   who was the first to start
//   pulse     when any node gave a sign of life
//
// A node's own spot holds
//
//   alive        there, as long as it may write as itself
//   connections  hash: connection → user
//   notes        hash: key → JSON
//
// All times are Redis's, so that nodes need not agree on theirs.

const time = lua`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

export const startNode: Script = script(
  'node-start',
  ['nodes', 'started'],
  time,
  lua`
local node, attempt = arg(), arg()
redis.call('ZADD', nodes, now, node)
redis.call('SETNX', started, attempt)
return redis.call('GET', started) == attempt and 1 or 0
`,
)

/** A sign of life. Tells which estates are this node's to take over; false where the others believe that it is gone. */
export const beatNode: Script = script(
  'node-beat',
  ['nodes', 'estates', 'pulse'],
  time,
  lua`
local node, patience = arg(), number()
if not redis.call('ZSCORE', nodes, node) then return false end
-- Where nobody could give a sign of life, nobody is to be blamed for that: all begin anew.
local last = tonumber(redis.call('GET', pulse) or now)
if now - last > patience / 2 then
  for _, one in ipairs(redis.call('ZRANGE', nodes, 0, -1)) do redis.call('ZADD', nodes, now, one) end
end
redis.call('SET', pulse, string.format('%.0f', now))
redis.call('ZADD', nodes, now, node)
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', nodes, '-inf', now - patience)) do
  redis.call('ZREM', nodes, dead)
  redis.call('HSET', estates, dead, node)
end
local all, mine = redis.call('HGETALL', estates), {}
for i = 1, #all, 2 do
  local heir = all[i + 1]
  if heir ~= node and not redis.call('ZSCORE', nodes, heir) then
    redis.call('HSET', estates, all[i], node)
    heir = node
  end
  if heir == node then mine[#mine + 1] = all[i] end
end
return mine
`,
)

/** This node goes; tells who is left. */
export const endNode: Script = script(
  'node-end',
  ['nodes', 'estates'],
  lua`
local node = arg()
if redis.call('ZREM', nodes, node) == 1 then redis.call('HSET', estates, node, '') end
return redis.call('ZRANGE', nodes, 0, -1)
`,
)

/** An estate was taken over. False where it is another's by now. */
export const buryNode: Script = script(
  'node-bury',
  ['estates'],
  lua`
local dead, node = arg(), arg()
if redis.call('HGET', estates, dead) ~= node then return 0 end
return redis.call('HDEL', estates, dead)
`,
)

export const aliveNodes: Script = script(
  'node-all',
  ['nodes'],
  time,
  lua`return redis.call('ZRANGEBYSCORE', nodes, now - number(), '+inf')`,
)

/** From now on nothing is added to what it left. */
export const openEstate: Script = script(
  'node-estate',
  ['alive', 'connections', 'notes'],
  lua`
redis.call('DEL', alive)
return {redis.call('HGETALL', connections), redis.call('HGETALL', notes)}
`,
)

/** Writes a field of this node's. False where it may write no more. */
export const writeNode: Script = script(
  'node-write',
  ['alive', 'connections', 'notes'],
  lua`
if redis.call('EXISTS', alive) == 0 then return 0 end
local kind, field, has_value, value = arg(), arg(), flag(), arg()
local hash = kind == 'notes' and notes or connections
if has_value then redis.call('HSET', hash, field, value) else redis.call('HDEL', hash, field) end
return 1
`,
)

export const nodeScripts: readonly Script[] = [
  startNode,
  beatNode,
  endNode,
  buryNode,
  aliveNodes,
  openEstate,
  writeNode,
]
