-- ARGV: guild, lifetime of a reservation in ms, how many of the first candidates are nearly equal,
-- then the candidates, best first: lines of node and capacity (0 = unbounded) in turn. One argument, as
-- clients spend more time on packing many than this script on taking one apart.
-- Takes the first candidate with room; the one the guild holds already, if that is nearly as good, so
-- that a repeated call changes nothing. Counts what the node reports and what is promised, here and now,
-- so that no two routers give away the same place.
-- Returns now, then the node, the reservation's end and how many the node has; now alone if all are full.
local guild, ttl, equal = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = time_ms()
local held = redis.call('HGET', P .. 'homes', guild)
local held_node
if held then
  local node, made_at = parts(held)
  if tonumber(made_at) > now - ttl then held_node = node end
end

local function has_room(node, capacity)
  if redis.call('HEXISTS', P .. 'cordons', node) == 1 then return false end
  if capacity == 0 then return true end
  local taken = tonumber(redis.call('HGET', P .. 'players', node) or '0') + reserved(node, now, ttl)
  if node == held_node then taken = taken - 1 end
  return taken < capacity
end

local function candidates() return string.gmatch(ARGV[4], '([^\n]+)\n(%d+)\n') end

local chosen
if held_node then
  for node, capacity in candidates() do
    if equal == 0 then break end
    equal = equal - 1
    if node == held_node and has_room(node, tonumber(capacity)) then chosen = node end
  end
end
if not chosen then
  for node, capacity in candidates() do
    if has_room(node, tonumber(capacity)) then
      chosen = node
      break
    end
  end
end
if not chosen then return { int(now) } end

if held then drop(held) end
prune(chosen, now, ttl)
local one = member(chosen, now, guild)
redis.call('ZADD', P .. 'reservations', 0, one)
redis.call('HSET', P .. 'homes', guild, one)
return { int(now), chosen, int(now + ttl), int(reserved(chosen, now, ttl)) }
