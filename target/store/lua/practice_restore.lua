-- Writes the database's records of a cycle, then the marker.
-- KEYS ps pu pb pm   ARGV ttl_ms bitmap_bytes last(0|1) (seat user)...
if redis.call('STRLEN',KEYS[3])<tonumber(ARGV[2]) then
  redis.call('SETRANGE',KEYS[3],tonumber(ARGV[2])-1,'\0')
end
for i=4,#ARGV,2 do
  redis.call('HSET',KEYS[1],ARGV[i],ARGV[i+1]); redis.call('HSET',KEYS[2],ARGV[i+1],ARGV[i])
  redis.call('BITFIELD',KEYS[3],'SET','u2','#'..ARGV[i],2)
end
for i=1,3 do redis.call('PEXPIRE',KEYS[i],ARGV[1]) end
if ARGV[3]=='1' then redis.call('SET',KEYS[4],'1','PX',ARGV[1]) end
return 1
