import { lua, type Script, script } from '../script.ts'

/** Strikes a name out, where nobody has put it in again meanwhile. */
export const strikeOut: Script = script(
  'strike-out',
  ['names'],
  lua`
local name, value = arg(), arg()
if redis.call('HGET', names, name) ~= value then return 0 end
return redis.call('HDEL', names, name)
`,
)
