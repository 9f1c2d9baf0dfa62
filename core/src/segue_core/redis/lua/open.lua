-- ARGV: num_shards, then for each shard its field in owners, number, epoch, owner, expiry.
-- Stamps the shards' live guilds with the new epoch and returns for each
-- {guild, snapshot or '', version, queue or '', voice or ''}.
local num_shards, now = tonumber(ARGV[1]), time_ms()
local opened = {}
for i = 2, #ARGV, 5 do
  if judge(now, ARGV[i], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]) == 'ok' then
    opened[tonumber(ARGV[i + 1])] = { ARGV[i + 2], ARGV[i + 3] }
  end
end
local reply = {}
-- The score is guild >> 22: exact in a double, which the guild's id is not.
local live = redis.call('ZRANGE', P .. 'live', 0, -1, 'WITHSCORES')
for i = 1, #live, 2 do
  local guild, by = live[i], opened[tonumber(live[i + 1]) % num_shards]
  if by then
    local key = P .. 'snapshot:' .. guild
    local stored = redis.call('HMGET', key, 'data', 'version', 'epoch')
    if tonumber(by[1]) >= tonumber(stored[3] or '0') then
      redis.call('HSET', key, 'epoch', by[1], 'owner', by[2])
      reply[#reply + 1] = {
        guild, stored[1] or '', stored[2] or '0',
        redis.call('GET', P .. 'queue:' .. guild) or '',
        redis.call('GET', P .. 'private:voice:' .. guild) or '',
      }
    end
  end
end
return reply
