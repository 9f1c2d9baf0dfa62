-- ARGV: lifetime of a reservation in ms, window of a start in ms, then three tables of lines, as clients
-- spend more time on packing many arguments than this script on taking few apart:
--   nodes     node, capacity (0 = unbounded), and the most reservations it may get within the window
--   orders    node numbers (from 1) separated by commas, groups of them by semicolons, nearest group first
--   players   guild, number of its order, number of the node meant for it (0 = none)
-- Gives each player in turn the first node of its order with room and a free start, beginning in each group
-- with the one meant for it. A nearer group with room and no free start is waited for: far away is
-- forever, a start is a moment. A place held already in the nearest group is kept as it is, so that a
-- repeated call changes nothing. Counts here and now, so that replicas share one bound.
-- Returns now, the end of the earliest reservation, and for each player: a node's number, 0 when all are
-- full, or minus the ms to wait; then for each node how many reservations it has.
local ttl, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = time_ms()
local nodes, numbers, orders = {}, {}, {}

for name, capacity, starts in string.gmatch(ARGV[3], '([^\n]+)\n(%d+)\n(%d+)\n') do
  local one = { name = name, capacity = tonumber(capacity), starts = tonumber(starts) }
  nodes[#nodes + 1] = one
  numbers[name] = #nodes
  prune(name, now, ttl)
  one.reserved = reserved(name, now, ttl)
  one.players = tonumber(redis.call('HGET', P .. 'players', name) or '0')
  one.starting = reserved(name, now, window)
  one.closed = redis.call('HEXISTS', P .. 'cordons', name) == 1
end

for line in string.gmatch(ARGV[4], '[^\n]+') do
  local groups = {}
  for group in string.gmatch(line, '[^;]+') do
    local members = {}
    for number in string.gmatch(group, '%d+') do members[#members + 1] = tonumber(number) end
    groups[#groups + 1] = members
  end
  orders[#orders + 1] = groups
end

local function has_room(one)
  return not one.closed and (one.capacity == 0 or one.players + one.reserved < one.capacity)
end

-- How long until the oldest start on the node is over.
local function wait_for(one)
  local first = redis.call('ZRANGE', P .. 'reservations', '[' .. lapse(one.name, now, window),
    '(' .. one.name .. '\1', 'BYLEX', 'LIMIT', 0, 1)[1]
  if not first then return window end
  local _, made_at = parts(first)
  return math.max(1, tonumber(made_at) + window - now)
end

local function choose(groups, meant)
  for _, group in ipairs(groups) do
    local begin, wait = 1, nil
    for position, number in ipairs(group) do
      if number == meant then begin = position end
    end
    for offset = 0, #group - 1 do
      local number = group[(begin - 1 + offset) % #group + 1]
      local one = nodes[number]
      if has_room(one) then
        if one.starting < one.starts then return number end
        one.wait = one.wait or wait_for(one)
        wait = math.min(wait or one.wait, one.wait)
      end
    end
    if wait then return -wait end
  end
  return 0
end

local earliest = now + ttl
local reply = { int(now), '' }
for guild, order, meant in string.gmatch(ARGV[5], '(%d+) (%d+) (%d+)\n') do
  local groups = orders[tonumber(order)]
  local held = redis.call('HGET', P .. 'homes', guild)
  local kept, held_number, held_at
  if held then
    local node, made_at = parts(held)
    held_at = tonumber(made_at)
    if held_at > now - ttl then held_number = numbers[node] end
    for _, number in ipairs(groups[1] or {}) do
      if number == held_number and not nodes[number].closed then kept = number end
    end
  end
  local chosen = kept or choose(groups, tonumber(meant))
  if kept then
    earliest = math.min(earliest, held_at + ttl)
  elseif chosen > 0 then
    if held then drop(held) end
    if held_number then
      nodes[held_number].reserved = nodes[held_number].reserved - 1
      if held_at > now - window then nodes[held_number].starting = nodes[held_number].starting - 1 end
    end
    local one = nodes[chosen]
    local place = member(one.name, now, guild)
    redis.call('ZADD', P .. 'reservations', 0, place)
    redis.call('HSET', P .. 'homes', guild, place)
    one.reserved = one.reserved + 1
    one.starting = one.starting + 1
  end
  reply[#reply + 1] = chosen
end
reply[2] = int(earliest)
for _, one in ipairs(nodes) do reply[#reply + 1] = one.reserved end
return reply
