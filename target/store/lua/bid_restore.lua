-- Writes what the database has of an auction where Redis has less; the settings go in last.
-- KEYS ar ab ac aq ag   ARGV 'bids' (user amount seq count)... | 'open' seq_jump (field value)...
if ARGV[1]=='bids' then
  local newest=tonumber(redis.call('GET',KEYS[4]) or '0')
  for i=2,#ARGV,4 do
    local u,amt,seq,n=ARGV[i],tonumber(ARGV[i+1]),tonumber(ARGV[i+2]),tonumber(ARGV[i+3])
    if tonumber(redis.call('HGET',KEYS[3],u) or '0')<n then
      redis.call('ZADD',KEYS[1],string.format('%.0f',amt*16777216+(16777215-seq%16777216)),u)
      redis.call('HSET',KEYS[2],u,ARGV[i+1]); redis.call('HSET',KEYS[3],u,ARGV[i+3])
    end
    if seq>newest then newest=seq end
  end
  redis.call('SET',KEYS[4],string.format('%.0f',newest))
  return 1
end
-- Sequences given out before the loss may still be on their way into the database: jump over them.
if redis.call('EXISTS',KEYS[5])==0 and redis.call('EXISTS',KEYS[1])==1 then
  redis.call('INCRBY',KEYS[4],ARGV[2])
end
for i=3,#ARGV,2 do redis.call('HSET',KEYS[5],ARGV[i],ARGV[i+1]) end
return 1
