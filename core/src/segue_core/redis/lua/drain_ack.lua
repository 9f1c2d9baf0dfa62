-- ARGV: id and size in bytes of each entry that is stored. Needs no lease: what is stored may go,
-- whoever stored it. Returns how many entries went.
local gone, bytes = 0, 0
for i = 1, #ARGV, 2 do
  if redis.call('XDEL', P .. 'events', ARGV[i]) == 1 then
    gone = gone + 1
    bytes = bytes + tonumber(ARGV[i + 1])
  end
end
if redis.call('XLEN', P .. 'events') == 0 then
  redis.call('HSET', P .. 'events:meter', 'bytes', 0)
elseif bytes > 0 then
  redis.call('HINCRBY', P .. 'events:meter', 'bytes', int(-bytes))
end
return gone
