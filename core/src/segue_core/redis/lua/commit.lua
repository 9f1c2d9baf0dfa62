-- ARGV: 1 shard's field in owners, 2 epoch, 3 owner, 4 expiry, 5 guild, 6 guild >> 22,
--  7 base version, 8 mode: 'commit' | 'restore', 9 '1' if the player closes,
--  10 snapshot or '', 11 its schema, 12 queue or '', 13 voice: '=' unchanged, '' none, else JSON,
--  14 memory of command ids in ms, 15 byte bound of the stream,
--  16 n: how many command ids follow, then they, then the events.
-- Returns status, stored version, events refused.
local shard, epoch, owner, guild = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local restore, closes = ARGV[8] == 'restore', ARGV[9] == '1'
local base, memory, commands = tonumber(ARGV[7]), tonumber(ARGV[14]), tonumber(ARGV[16])
local now = time_ms()
local key, applied = P .. 'snapshot:' .. guild, P .. 'applied:' .. guild

local stored = redis.call('HMGET', key, 'version', 'epoch', 'owner')
local version, known = tonumber(stored[1] or '0'), tonumber(stored[2] or '0')
if tonumber(epoch) < known or (tonumber(epoch) == known and owner ~= stored[3]) then
  return { 'stale_epoch', int(version), 0 }
end
local verdict = judge(now, shard, epoch, owner, ARGV[4])
if verdict ~= 'ok' then return { verdict, int(version), 0 } end

if not restore then
  for i = 17, 16 + commands do
    local at = redis.call('ZSCORE', applied, ARGV[i])
    if at and tonumber(at) > now - memory then return { 'duplicate', int(version), 0 } end
  end
  -- Below ours is what Redis forgot; above ours is what we do not know of.
  if version > base then return { 'version_conflict', int(version), 0 } end
end

local writes = ARGV[10] ~= '' or ARGV[12] ~= '' or ARGV[13] ~= '=' or closes
if restore then
  writes = writes and version < base
  if writes then version = base end
elseif writes then
  version = base + 1
end

if writes and closes then
  redis.call('DEL', key, P .. 'queue:' .. guild, P .. 'private:voice:' .. guild)
  redis.call('ZREM', P .. 'live', guild)
  version = 0 -- the guild's next player begins again
elseif writes then
  redis.call('HSET', key, 'version', int(version), 'epoch', epoch, 'owner', owner)
  if ARGV[10] ~= '' then redis.call('HSET', key, 'data', ARGV[10], 'schema', ARGV[11]) end
  if ARGV[12] ~= '' then redis.call('SET', P .. 'queue:' .. guild, ARGV[12]) end
  if ARGV[13] == '' then
    redis.call('DEL', P .. 'private:voice:' .. guild)
  elseif ARGV[13] ~= '=' then
    redis.call('SET', P .. 'private:voice:' .. guild, ARGV[13])
  end
  redis.call('ZADD', P .. 'live', ARGV[6], guild)
end

if commands > 0 then
  for i = 17, 16 + commands do redis.call('ZADD', applied, int(now), ARGV[i]) end
  redis.call('ZREMRANGEBYSCORE', applied, '-inf', int(now - memory))
  redis.call('PEXPIRE', applied, int(memory))
end
return { 'ok', int(version), append(tonumber(ARGV[15]), 17 + commands, #ARGV) }
