-- KEYS[1] the topology. ARGV: generation, data. Returns 0 when a newer one is there, else 1.
local stored = tonumber(redis.call('HGET', KEYS[1], 'generation') or '-1')
if tonumber(ARGV[1]) < stored then return 0 end
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'data', ARGV[2])
return 1
