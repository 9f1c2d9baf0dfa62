-- ARGV: node, the end of the lease it was taken under, when it is due again, report,
-- players or '' when the probe did not learn it, lifetime of a reservation in ms.
-- Players that appeared since the last report take the place of as many reservations, oldest first: a
-- node reports how many players it has, not whose. Returns 1, or 0 when the lease is no longer the caller's.
local node, players, ttl = ARGV[1], ARGV[5], tonumber(ARGV[6])
local lease = redis.call('ZSCORE', P .. 'schedule', node)
if not lease or tonumber(lease) ~= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', P .. 'schedule', ARGV[3], node)
redis.call('HSET', P .. 'reports', node, ARGV[4])
prune(node, time_ms(), ttl)
if players ~= '' then
  local before = redis.call('HGET', P .. 'players', node)
  redis.call('HSET', P .. 'players', node, players)
  local appeared = before and tonumber(players) - tonumber(before) or 0
  if appeared > 0 then drop_oldest(node, '(' .. node .. '\1', appeared) end
end
return 1
