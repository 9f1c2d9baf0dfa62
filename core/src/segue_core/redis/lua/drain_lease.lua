-- ARGV: token, lifetime in ms (0 gives the lease back). Returns 1 when the partition is ours.
local holder = redis.call('GET', P .. 'events:drain')
if ARGV[2] == '0' then
  if holder == ARGV[1] then redis.call('DEL', P .. 'events:drain') end
  return 0
end
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', P .. 'events:drain', ARGV[1], 'PX', ARGV[2])
return 1
