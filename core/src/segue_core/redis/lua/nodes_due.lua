-- ARGV: lease of a probe in ms, the most to take, then the topology's nodes.
-- Takes the nodes whose probe is due, longest due first. Who takes one has it alone until the lease ends:
-- replicas share the probes without knowing of each other, and one that dies is missed for one lease.
-- Returns now, the lease's end, then each node and its report or ''.
local lease, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = time_ms()
local due = {}
for i = 3, #ARGV do
  local at = tonumber(redis.call('ZSCORE', P .. 'schedule', ARGV[i]) or '0')
  if at <= now then due[#due + 1] = { at, ARGV[i] } end
end
table.sort(due, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
local reply = { int(now), int(now + lease) }
for i = 1, math.min(most, #due) do
  redis.call('ZADD', P .. 'schedule', int(now + lease), due[i][2])
  reply[#reply + 1] = due[i][2]
  reply[#reply + 1] = redis.call('HGET', P .. 'reports', due[i][2]) or ''
end
return reply
