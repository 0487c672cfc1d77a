-- The durations of a room's people as a Fenwick tree of 1 ms buckets: adding and counting cost
-- O(log open_ms), whatever number of records there is.
-- KEYS ph(hash: node -> count, n -> all)   ARGV buckets duration add(0|1)   {not above it, all}
-- nil: there is no tree
if redis.call('HEXISTS',KEYS[1],'n')==0 then return false end
local size,d=tonumber(ARGV[1]),tonumber(ARGV[2])+1
if d>size then d=size end
if ARGV[3]=='1' then
  local i=d
  while i<=size do
    redis.call('HINCRBY',KEYS[1],i,1)
    local low=1; while i%(low*2)==0 do low=low*2 end
    i=i+low
  end
  redis.call('HINCRBY',KEYS[1],'n',1)
end
local sum,i=0,d
while i>0 do
  sum=sum+tonumber(redis.call('HGET',KEYS[1],i) or '0')
  local low=1; while i%(low*2)==0 do low=low*2 end
  i=i-low
end
return {sum,tonumber(redis.call('HGET',KEYS[1],'n'))}
