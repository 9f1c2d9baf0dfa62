-- ARGV: guild, lifetime of a reservation in ms. Returns 1 if the guild had a standing reservation, else 0.
local held = redis.call('HGET', P .. 'homes', ARGV[1])
if not held then return 0 end
local _, made_at = parts(held)
drop(held)
if tonumber(made_at) > time_ms() - tonumber(ARGV[2]) then return 1 end
return 0
