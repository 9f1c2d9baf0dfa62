-- ARGV: shard, epoch, owner, successor or '', how long an offer stands.
-- The lease leaves us under a new epoch, so nothing we still have in flight lands. Returns 0 or 1.
local shard, epoch, owner, successor = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local stored = redis.call('HMGET', lease_key(shard), 'epoch', 'owner', 'state')
if stored[1] ~= epoch or stored[2] ~= owner or stored[3] ~= 'held' then return 0 end
local now = time_ms()
local state, expiry = 'free', 0
if successor ~= '' then
  state, expiry = 'offered', now + tonumber(ARGV[5])
  redis.call('HSET', P .. 'offers', shard, successor)
end
redis.call('HSET', lease_key(shard), 'epoch', int(math.max(tonumber(epoch) + 1, now)),
  'owner', successor, 'state', state, 'since', int(now), 'previous', owner)
redis.call('ZADD', P .. 'leases', int(expiry), shard)
return 1
