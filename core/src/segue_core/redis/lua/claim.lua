-- ARGV: owner, max, num_shards, schema, ttl, cap on expired claims in the window, window,
--       grace after expiry, zone, extra grace for another zone, extra grace for one who is no spare.
-- Returns now, hold_until, how many were left alone by the cap, then for each claimed shard:
-- {shard, epoch, expiry, previous owner, reason, gateway session, {node, session, ...}}
local owner, max, num_shards = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local schema, ttl = tonumber(ARGV[4]), tonumber(ARGV[5])
local cap, window, grace = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local zone, foreign, busy = ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])
local now = time_ms()
local hold, blank = tick(now, ttl)

local reply = { int(now), int(math.max(hold, blank)), '0' }
if now < blank then return reply end

local known = tonumber(redis.call('HGET', P .. 'plane', 'num_shards') or '0')
if known < num_shards then
  for shard = known, num_shards - 1 do redis.call('ZADD', P .. 'leases', 'NX', 0, int(shard)) end
  redis.call('HSET', P .. 'plane', 'num_shards', int(num_shards))
end

redis.call('ZREMRANGEBYSCORE', P .. 'promotions', '-inf', int(now - window))
local promoted = redis.call('ZCARD', P .. 'promotions')
local capped, taken = 0, 0

local function readable(stored) return tonumber(stored[5] or '0') <= schema end

local function take(shard, stored, reason)
  local epoch = math.max(tonumber(stored[1] or '0') + 1, now)
  redis.call('HSET', lease_key(shard), 'epoch', int(epoch), 'owner', owner, 'state', 'held',
    'since', int(now), 'schema', int(math.max(tonumber(stored[5] or '0'), schema)), 'zone', zone)
  redis.call('HDEL', lease_key(shard), 'previous')
  redis.call('HDEL', P .. 'offers', shard)
  redis.call('ZADD', P .. 'leases', int(now + ttl), shard)
  if reason == 'expired' then
    redis.call('ZADD', P .. 'promotions', int(now), shard .. ':' .. int(epoch))
    promoted = promoted + 1
  end
  local previous = stored[4]
  if stored[3] == 'held' then previous = stored[2] end
  taken = taken + 1
  reply[#reply + 1] = {
    shard, int(epoch), int(now + ttl), previous or '', reason,
    redis.call('HGET', P .. 'private:gateway:' .. shard, 'session') or '',
    redis.call('HGETALL', P .. 'private:lavalink:' .. shard),
  }
end

local function look(shard)
  return redis.call('HMGET', lease_key(shard), 'epoch', 'owner', 'state', 'previous', 'schema', 'zone')
end

-- What was offered to us comes first: somebody waits for us.
local offers = redis.call('HGETALL', P .. 'offers')
for i = 1, #offers, 2 do
  if offers[i + 1] == owner and taken < max and tonumber(offers[i]) < num_shards then
    local stored = look(offers[i])
    if readable(stored) then take(offers[i], stored, 'offered') end
  end
end

if taken < max then
  local lapsed = redis.call('ZRANGE', P .. 'leases', '-inf', int(now), 'BYSCORE', 'WITHSCORES')
  for i = 1, #lapsed, 2 do
    if taken >= max then break end
    local shard, expiry = lapsed[i], tonumber(lapsed[i + 1])
    if tonumber(shard) < num_shards then
      local stored = look(shard)
      if not readable(stored) then
        -- Its snapshots are of a newer release than ours: left to those who can read them.
      elseif stored[3] == 'offered' then
        take(shard, stored, 'offered')
      elseif stored[3] ~= 'held' then
        take(shard, stored, 'free')
      elseif stored[2] ~= owner then -- our own we renew, however late
        local wait = grace + busy
        if zone ~= '' and stored[6] and stored[6] ~= zone then wait = wait + foreign end
        if now >= hold and now >= expiry + wait then
          if promoted < cap then
            take(shard, stored, 'expired')
          else
            capped = capped + 1
          end
        end
      end
    end
  end
end
reply[3] = int(capped)
return reply
