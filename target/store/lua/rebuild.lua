-- The two ends of a rebuild; restore.lua writes what lies between.
-- KEYS st bm ex uq vr ev hd ok rb   ARGV 'begin' bitmap_bytes | 'finish' fence_floor turn
-- begin: no holds from here on (marker gone), nothing is left of what was there. `vr` exists from
-- here on, so that outcomes settled meanwhile are kept: they win over what is restored. Gives the
-- turn. finish: 1, or 0 when another rebuild began meanwhile (its owner sets the marker).
if ARGV[1]=='begin' then
  redis.call('DEL',KEYS[8],KEYS[1],KEYS[2],KEYS[3],KEYS[4],KEYS[7])
  redis.call('SETNX',KEYS[5],0)
  local bytes=tonumber(ARGV[2])
  if bytes>0 then redis.call('SETRANGE',KEYS[2],bytes-1,'\0') end
  local t=redis.call('TIME')                    -- turns must differ across a loss of data, too
  redis.call('SETNX',KEYS[9],t[1]*1000+math.floor(t[2]/1000))
  return redis.call('INCR',KEYS[9])
end
if redis.call('GET',KEYS[9])~=ARGV[3] then return 0 end
if tonumber(redis.call('GET',KEYS[5]) or '0')<tonumber(ARGV[2]) then
  redis.call('SET',KEYS[5],ARGV[2]) end
redis.call('SET',KEYS[8],1)
return 1
