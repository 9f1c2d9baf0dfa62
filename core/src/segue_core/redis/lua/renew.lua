-- ARGV: owner, ttl, heartbeat, zone, then shard and epoch for each held shard.
-- Returns now, hold_until, then for each shard its expiry, or 0 when it is no longer the owner's.
local owner, ttl, beat, zone = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local now = time_ms()
local hold = tick(now, ttl)

redis.call('HSET', P .. 'workers', owner, beat)
redis.call('ZADD', P .. 'workers:seen', int(now), owner)
local gone = redis.call('ZRANGE', P .. 'workers:seen', '-inf', int(now - 60000), 'BYSCORE')
if #gone > 0 then
  redis.call('HDEL', P .. 'workers', unpack(gone))
  redis.call('ZREM', P .. 'workers:seen', unpack(gone))
end

local reply = { int(now), int(hold) }
for i = 5, #ARGV, 2 do
  local shard, epoch = ARGV[i], ARGV[i + 1]
  local stored = redis.call('HMGET', lease_key(shard), 'epoch', 'owner', 'state')
  local newest = tonumber(stored[1] or '0')
  local ours = false
  if tonumber(epoch) > newest then
    -- Redis lost what it knew of this lease; its holder remembers.
    redis.call('HSET', lease_key(shard), 'epoch', epoch, 'owner', owner, 'state', 'held', 'since', int(now))
    redis.call('HDEL', P .. 'offers', shard)
    ours = true
  elseif tonumber(epoch) == newest and stored[2] == owner and stored[3] == 'held' then
    ours = true -- expired or not: nobody has claimed it
  end
  if ours then
    redis.call('HSET', lease_key(shard), 'zone', zone)
    redis.call('ZADD', P .. 'leases', int(now + ttl), shard)
    reply[#reply + 1] = int(now + ttl)
  else
    reply[#reply + 1] = '0'
  end
end
return reply
