-- Shared by the scripts of a partition. KEYS[1] is the partition's prefix.
local P = KEYS[1]

local function int(n) return string.format('%.0f', n) end

local function time_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- The epoch and owner a shard's guilds were last opened with or written by.
local function newest(shard)
  local stored = redis.call('HGET', P .. 'owners', shard)
  if not stored then return 0, '' end
  local epoch, owner = string.match(stored, '^(%d+) (.*)$')
  return tonumber(epoch), owner
end

-- What a fence is worth now: 'ok', 'expired' or 'stale_epoch'.
local function judge(now, shard, epoch, owner, expires_at)
  local known, by = newest(shard)
  if tonumber(epoch) < known or (tonumber(epoch) == known and owner ~= by) then return 'stale_epoch' end
  if now > tonumber(expires_at) then return 'expired' end
  if tonumber(epoch) > known then redis.call('HSET', P .. 'owners', shard, epoch .. ' ' .. owner) end
  return 'ok'
end

-- Appends events while the stream is within its byte bound; at the bound history is refused and
-- counted, playback never. Returns how many were refused.
local function append(bound, first, last)
  local bytes = tonumber(redis.call('HGET', P .. 'events:meter', 'bytes') or '0')
  local added, refused = 0, 0
  for i = first, last do
    if bytes + added + #ARGV[i] > bound then
      refused = refused + 1
    else
      redis.call('XADD', P .. 'events', '*', 'e', ARGV[i])
      added = added + #ARGV[i]
    end
  end
  if added > 0 then redis.call('HINCRBY', P .. 'events:meter', 'bytes', int(added)) end
  if refused > 0 then redis.call('HINCRBY', P .. 'events:meter', 'refused', int(refused)) end
  return refused
end
