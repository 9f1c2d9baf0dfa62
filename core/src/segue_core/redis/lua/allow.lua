-- KEYS: one a bucket. ARGV: capacity and refill interval (ms) of each bucket, in the order of the keys.
-- Takes one use from every bucket, or from none. Returns 0 when taken, else the ms to wait, and which
-- bucket (from 1) makes wait the longest. A bucket is stored as the instant at which it is full again.
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local full_at, wait, longest = {}, 0, 0

for i, key in ipairs(KEYS) do
  local capacity, interval = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local base = math.max(now, tonumber(redis.call('GET', key) or '0'))
  full_at[i] = base + interval
  local short = full_at[i] - now - capacity * interval
  if short > wait then wait, longest = short, i end
end
if wait > 0 then return { math.ceil(wait), longest } end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', full_at[i]), 'PXAT', string.format('%.0f', full_at[i]))
end
return { 0, 0 }
