-- Shared by the scripts of the node registry. KEYS[1] is the registry's prefix.
local P = KEYS[1]

local function int(n) return string.format('%.0f', n) end

local function time_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- A reservation is a member <node> NUL <made at, 13 digits> NUL <guild> of one sorted set whose scores
-- are all 0: a range by member is a node's reservations, oldest first.
local function member(node, made_at, guild) return node .. '\0' .. int(made_at) .. '\0' .. guild end

local function parts(one) return string.match(one, '^(.-)%z(%d+)%z(%d+)$') end

-- The member bound between a node's lapsed and its standing reservations.
local function lapse(node, now, ttl) return node .. '\0' .. int(now - ttl + 1) end

local function reserved(node, now, ttl)
  return redis.call('ZLEXCOUNT', P .. 'reservations', '[' .. lapse(node, now, ttl), '(' .. node .. '\1')
end

local function drop(one)
  local _, _, guild = parts(one)
  redis.call('ZREM', P .. 'reservations', one)
  if redis.call('HGET', P .. 'homes', guild) == one then redis.call('HDEL', P .. 'homes', guild) end
end

local function drop_oldest(node, before, most)
  local found = redis.call('ZRANGE', P .. 'reservations', '[' .. node .. '\0', before, 'BYLEX', 'LIMIT', 0, most)
  for _, one in ipairs(found) do drop(one) end
end

local function prune(node, now, ttl) drop_oldest(node, '(' .. lapse(node, now, ttl), 100) end
