-- One user's place; with hb='1' this is also a heartbeat, or slides the lease of an admitted user
-- (never past the end of the pass). Never puts anybody in.
-- KEYS qw qh qa qs qn qe qp qg ok   ARGV user hb lease_ms
-- WAIT position total seq base | ADMITTED lease_end pass_end | GHOSTED | ABSENT
local t=redis.call('TIME'); local now=t[1]*1000+math.floor(t[2]/1000)
local u=ARGV[1]
local r=redis.call('ZRANK',KEYS[1],u)
if r then
  if ARGV[2]=='1' then redis.call('ZADD',KEYS[2],'XX',now,u) end
  return {'WAIT',tostring(r+1),tostring(redis.call('ZCARD',KEYS[1])),redis.call('ZSCORE',KEYS[1],u),
          string.format('%.0f',tonumber(redis.call('HGET',KEYS[4],'born') or '0')*16)}
end
local a=redis.call('ZSCORE',KEYS[3],u)
if a and tonumber(a)>now then
  local pass=redis.call('HGET',KEYS[7],u) or a
  if ARGV[2]=='1' then
    local lease=math.min(now+tonumber(ARGV[3]),tonumber(pass))
    redis.call('ZADD',KEYS[3],'XX','GT',lease,u)
    a=redis.call('ZSCORE',KEYS[3],u)
  end
  return {'ADMITTED',a,pass}
end
if a or redis.call('ZSCORE',KEYS[8],u) then return {'GHOSTED'} end
return {'ABSENT'}
