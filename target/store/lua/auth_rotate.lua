-- KEYS session   ARGV generation ttl_ms
-- The key holds the one generation that may be used next. An older one that comes again was copied,
-- so the session ends for everybody.
local now=redis.call('GET',KEYS[1])
if not now then return {'GONE'} end
if now~=ARGV[1] then redis.call('DEL',KEYS[1]); return {'REUSED'} end
redis.call('SET',KEYS[1],string.format('%d',tonumber(now)+1),'PX',ARGV[2])
return {'OK'}
