-- ARGV: the nodes of the topology. Forgets everything about others, but for cordons: an order of a
-- person outlives a node that is away for a while. Returns how many were forgotten.
local known, forgotten = {}, {}
for i = 1, #ARGV do known[ARGV[i]] = true end
for _, one in ipairs(redis.call('ZRANGE', P .. 'reservations', 0, -1)) do
  local node = parts(one)
  if not known[node] then drop(one) end
end
for _, name in ipairs({ 'reports', 'players' }) do
  for _, node in ipairs(redis.call('HKEYS', P .. name)) do
    if not known[node] then
      redis.call('HDEL', P .. name, node)
      forgotten[node] = true
    end
  end
end
for _, node in ipairs(redis.call('ZRANGE', P .. 'schedule', 0, -1)) do
  if not known[node] then redis.call('ZREM', P .. 'schedule', node) end
end
local count = 0
for _ in pairs(forgotten) do count = count + 1 end
return count
