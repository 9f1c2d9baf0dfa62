-- ARGV: lifetime of a reservation in ms, then nodes.
-- Returns now, reports, players, cordons, and for each node of the arguments its reservations.
local now, counts = time_ms(), {}
for i = 2, #ARGV do counts[i - 1] = reserved(ARGV[i], now, tonumber(ARGV[1])) end
return {
  int(now), redis.call('HGETALL', P .. 'reports'), redis.call('HGETALL', P .. 'players'),
  redis.call('HGETALL', P .. 'cordons'), counts,
}
