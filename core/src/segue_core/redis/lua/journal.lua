-- ARGV: 1 'add' | 'settle', 2 shard's field in owners, 3 epoch, 4 owner, 5 expiry, 6 guild,
--  7 guild >> 22, 8 entry's id, 9 entry, 10 its lifetime in ms.
-- Returns 'new' | 'known' | 'settled' | 'stale_epoch' | 'expired'.
local guild, id = ARGV[6], ARGV[8]
local journal = P .. 'private:journal:' .. guild
local verdict = judge(time_ms(), ARGV[2], ARGV[3], ARGV[4], ARGV[5])
if verdict ~= 'ok' then return verdict end
if ARGV[1] == 'add' then
  if redis.call('HSETNX', journal, id, ARGV[9]) == 0 then return 'known' end
  redis.call('PEXPIRE', journal, ARGV[10])
  redis.call('ZADD', P .. 'journals', ARGV[7], guild)
  return 'new'
end
redis.call('HDEL', journal, id)
if redis.call('EXISTS', journal) == 0 then redis.call('ZREM', P .. 'journals', guild) end
return 'settled'
