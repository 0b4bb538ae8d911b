import { lua } from '../script.ts'

/**
 * Puts something into a channel's log, and into what depends on it: whatever is numbered is kept and told together, by
 * `finish()`.
 *
 * Takes the argument of the channel's name as JSON.
 */
export const appending: string = lua`
local channel_json = arg()
local what_name, what_at, what_origin, what_inside, is_told, is_kept, has_id, what_id

-- Takes the arguments name, time, origin, inside, told, kept, whether it has an id and which.
local function take_what()
  what_name, what_at, what_origin, what_inside = arg(), arg(), arg(), arg()
  is_told, is_kept, has_id, what_id = flag(), flag(), flag(), arg()
end

local function tell_channel(name, origin, inside)
  tell(name, origin, '[0,"' .. name .. '",{"channel_name":' .. channel_json .. ',"offset":', ',' .. inside .. '}]')
end

-- Gives its number, or, where its id is known, what became of that.
local function append()
  local known = has_id and recall_id(what_id)
  if known then return known end
  local number = is_told and offset + 1 or offset
  if is_kept then keep_entry(what_name, number, what_at, is_told, what_inside) end
  if has_id then note_id(what_id, 'P ' .. epoch .. ' ' .. number) end
  if is_told then tell_channel(what_name, what_origin, what_inside) end
  return number
end

local function finish()
  finish_history()
  finish_telling()
end
`

/** The same for one thing, whose arguments follow at once. */
export const appendingOne: string = lua`${appending}
take_what()
`
