-- Writes seats as the database has them.
-- KEYS st bm ex uq vr ev hd ok [fn]   ARGV 'absent'|'force'|'force:<fence>' (seat value)...     changed
-- value: P:user:order:exp:fence, S:user:order, L, or '' for free. 'absent' (a rebuild) keeps what
-- is there already: it was settled later. 'force' (a repair) replaces it and tells the stream; with
-- a fence only while no newer one was given for that lease, else -1.
local bits={P=1,S=2,L=3}
local told={}
local force,fence=string.match(ARGV[1],'^(force):?(%d*)$')
if fence and fence~='' and redis.call('GET',KEYS[9])~=fence then return -1 end
local function quota(u,d)
  if redis.call('HINCRBY',KEYS[4],u,d)==0 then redis.call('HDEL',KEYS[4],u) end end
local n=0
for i=2,#ARGV,2 do
  local s,nv=ARGV[i],ARGV[i+1]
  local v=redis.call('HGET',KEYS[1],s) or ''
  if v~=nv and (v=='' or force) then
    local k,u,h=string.match(v,'^([HPS]):([^:]*):([^:]*)')
    if u then quota(u,-1) end
    if k=='H' then redis.call('HDEL',KEYS[7],h) end
    redis.call('ZREM',KEYS[3],s)
    local bit=bits[string.sub(nv,1,1)] or 0
    if nv=='' then redis.call('HDEL',KEYS[1],s) else redis.call('HSET',KEYS[1],s,nv) end
    redis.call('BITFIELD',KEYS[2],'SET','u2','#'..s,bit)
    local nu=string.match(nv,'^[PS]:([^:]*):')
    if nu then quota(nu,1) end
    local list=told[bit] or {}; list[#list+1]=s; told[bit]=list
    n=n+1
  end
end
if force then
  for bit=0,3 do if told[bit] then
    local f=redis.call('INCR',KEYS[5])
    redis.call('XADD',KEYS[6],'MAXLEN','~','20000','*','f',f,'k',tostring(bit),
               's',table.concat(told[bit],','))
  end end
end
return n
