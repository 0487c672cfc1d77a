-- What happened to the seats after a place in the feed, or the whole map where that cannot be told.
-- KEYS ok vr ev bm rb   ARGV entry turn version limit
-- REBUILD | NEWS version turn entry changes first_entry | MAP version turn entry bitmap last_entry
-- Every change makes the version one higher and is one entry, so a gap shows.
if redis.call('EXISTS',KEYS[1])==0 then return {'REBUILD'} end
local vr=redis.call('GET',KEYS[2]) or '0'
local turn=redis.call('GET',KEYS[5]) or '0'
local function map()
  local last=redis.call('XREVRANGE',KEYS[3],'+','-','COUNT',1)
  local id=last[1] and last[1][1] or '0-0'
  return {'MAP',vr,turn,id,redis.call('GET',KEYS[4]) or '',id}
end
if ARGV[1]=='' or ARGV[2]~=turn then return map() end
local v=tonumber(ARGV[3])
if tonumber(vr)==v then return {'NEWS',vr,turn,ARGV[1],{},ARGV[1]} end
if tonumber(vr)<v then return map() end
local news=redis.call('XRANGE',KEYS[3],'('..ARGV[1],'+','COUNT',ARGV[4])
if #news==0 then return map() end
local told={}
for i=1,#news do
  local f,k,s
  local e=news[i][2]
  for j=1,#e,2 do
    if e[j]=='f' then f=e[j+1] elseif e[j]=='k' then k=e[j+1] elseif e[j]=='s' then s=e[j+1] end
  end
  v=v+1
  if tonumber(f)~=v then return map() end
  told[#told+1]=k; told[#told+1]=s
end
return {'NEWS',string.format('%d',v),turn,news[#news][1],told,news[1][1]}
