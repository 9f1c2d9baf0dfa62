-- Shared by the scripts of the lease plane. KEYS[1] is the plane's prefix.
local P = KEYS[1]

local function int(n) return string.format('%.0f', n) end

local function time_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

local function lease_key(shard) return P .. 'lease:' .. shard end

-- Look, then tick. A gap in the ticks, or another server, means that Redis was away: until
-- hold_until nobody may claim what merely expired meanwhile. A plane without any memory (first
-- start, or everything lost) lets holders speak first: nothing at all is claimable for ttl / 2.
-- Returns hold_until and whether the plane has been blank.
local function tick(now, ttl)
  local seen = redis.call('HMGET', P .. 'plane', 'tick', 'hold_until', 'run_id', 'blank_until')
  local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  local last, hold = tonumber(seen[1]), tonumber(seen[2] or '0')
  local blank = tonumber(seen[4] or '0')
  if not last then
    blank = now + math.floor(ttl / 2)
    redis.call('HSET', P .. 'plane', 'blank_until', int(blank))
  elseif now - last > ttl / 2 or seen[3] ~= run_id then
    hold = now + 2 * ttl
  end
  redis.call('HSET', P .. 'plane', 'tick', int(now), 'hold_until', int(hold), 'run_id', run_id)
  return hold, blank
end
