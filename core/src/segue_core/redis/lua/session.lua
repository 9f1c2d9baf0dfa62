-- What a shard's holder keeps beside its lease. KEYS[2] the hash.
-- ARGV: shard, epoch, owner, lifetime of the hash in ms or 0, 'set' or 'del' or 'drop', then the
-- fields ('set': field and value pairs; 'del': fields; 'drop': the whole hash). Returns 0 or 1.
local stored = redis.call('HMGET', lease_key(ARGV[1]), 'epoch', 'owner', 'state')
if stored[1] ~= ARGV[2] or stored[2] ~= ARGV[3] or stored[3] ~= 'held' then return 0 end
local rest = {}
for i = 6, #ARGV do rest[#rest + 1] = ARGV[i] end
if ARGV[5] == 'set' then
  redis.call('HSET', KEYS[2], unpack(rest))
  if ARGV[4] ~= '0' then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
elseif ARGV[5] == 'del' then
  redis.call('HDEL', KEYS[2], unpack(rest))
else
  redis.call('DEL', KEYS[2])
end
return 1
