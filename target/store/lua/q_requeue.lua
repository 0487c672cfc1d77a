-- An admitted user has lost a hold. The losses_max-th loss of one admission sends the user to the tail.
-- KEYS qw qh qa qs qn qe qp qg ok ql   ARGV user losses_max     1: waits again, 0: stays admitted
--
-- ql: user -> losses:pass_end. The pass names the admission, so an earlier one's losses do not count.
-- A move from qa to qw keeps the identity of the queue (see q_admit).
local t=redis.call('TIME'); local now=t[1]*1000+math.floor(t[2]/1000)
local u=ARGV[1]
local a=redis.call('ZSCORE',KEYS[3],u)
if not a or tonumber(a)<=now then return 0 end
local pass=redis.call('HGET',KEYS[7],u) or '0'
local n,p=string.match(redis.call('HGET',KEYS[10],u) or '','^(%d+):(.*)$')
n=(p==pass and tonumber(n) or 0)+1
if n<tonumber(ARGV[2]) then redis.call('HSET',KEYS[10],u,n..':'..pass); return 0 end
redis.call('HDEL',KEYS[10],u)
redis.call('ZREM',KEYS[3],u); redis.call('HDEL',KEYS[7],u)
local born=redis.call('HGET',KEYS[4],'born')
if not born then born=tostring(now); redis.call('HSET',KEYS[4],'born',born) end
redis.call('SETNX',KEYS[5],string.format('%.0f',tonumber(born)*16))
redis.call('ZADD',KEYS[1],string.format('%.0f',redis.call('INCR',KEYS[5])),u)
redis.call('ZADD',KEYS[2],now,u)
redis.call('HINCRBY',KEYS[4],'requeued',1)
return 1
