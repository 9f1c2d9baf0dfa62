-- ARGV: shard, max_concurrency, remaining and reset_after as Discord said, reserve, interval.
-- Returns '' when granted, else why not; then how long to wait in ms, and what the day has left.
local shard, remaining, reset_after = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local reserve, interval = tonumber(ARGV[5]), tonumber(ARGV[6])
local now = time_ms()
local budget_key = P .. 'identify:budget'

local stored = redis.call('HMGET', budget_key, 'remaining', 'reset_at')
local left, reset_at = tonumber(stored[1]), tonumber(stored[2])
if not left or now >= reset_at or now + reset_after > reset_at + 60000 then
  left, reset_at = remaining, now + reset_after -- a new day
else
  left = math.min(left, remaining) -- others identified since one of us asked Discord
end

local hold = tonumber(redis.call('HGET', P .. 'plane', 'hold_until') or '0')
if now < hold then return { 'hold_off', int(hold - now), int(left) } end
if left <= reserve then return { 'budget', int(math.max(1000, reset_at - now)), int(left) } end

local bucket = P .. 'identify:bucket:' .. int(tonumber(shard) % tonumber(ARGV[2]))
if not redis.call('SET', bucket, shard, 'NX', 'PX', ARGV[6]) then
  return { 'bucket', int(math.max(1, redis.call('PTTL', bucket))), int(left) }
end
left = left - 1
redis.call('HSET', budget_key, 'remaining', int(left), 'reset_at', int(reset_at))
redis.call('PEXPIREAT', budget_key, int(math.max(reset_at, now + interval)))
return { '', 0, int(left) }
