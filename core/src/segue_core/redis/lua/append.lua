-- ARGV: byte bound of the stream, then events. Returns how many were refused.
return append(tonumber(ARGV[1]), 2, #ARGV)
