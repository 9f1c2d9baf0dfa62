-- ARGV: num_shards, then the shards wanted. Returns {guild, {id, entry, ...}} of each journal.
local num_shards, wanted, reply = tonumber(ARGV[1]), {}, {}
for i = 2, #ARGV do wanted[tonumber(ARGV[i])] = true end
local guilds = redis.call('ZRANGE', P .. 'journals', 0, -1, 'WITHSCORES')
for i = 1, #guilds, 2 do
  if wanted[tonumber(guilds[i + 1]) % num_shards] then
    local entries = redis.call('HGETALL', P .. 'private:journal:' .. guilds[i])
    if #entries == 0 then
      redis.call('ZREM', P .. 'journals', guilds[i]) -- it outlived its interactions
    else
      reply[#reply + 1] = { guilds[i], entries }
    end
  end
end
return reply
