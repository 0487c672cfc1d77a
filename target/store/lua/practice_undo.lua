-- The record could not be stored: the seat is free again, and the person may try again.
-- KEYS ps pu pb   ARGV user seat keep(seat: the seat stays taken · user: the person stays served)
if redis.call('HGET',KEYS[2],ARGV[1])==ARGV[2] and ARGV[3]~='user' then
  redis.call('HDEL',KEYS[2],ARGV[1])
end
if redis.call('HGET',KEYS[1],ARGV[2])==ARGV[1] and ARGV[3]~='seat' then
  redis.call('HDEL',KEYS[1],ARGV[2]); redis.call('BITFIELD',KEYS[3],'SET','u2','#'..ARGV[2],0)
end
return 1
