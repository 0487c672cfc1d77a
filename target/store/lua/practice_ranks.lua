-- The whole tree from the database's counts.   KEYS ph   ARGV buckets (duration count)...
local size=tonumber(ARGV[1]); local tree={}; local n=0
for k=2,#ARGV,2 do
  local i,c=tonumber(ARGV[k])+1,tonumber(ARGV[k+1]); n=n+c
  if i>size then i=size end
  while i<=size do
    tree[i]=(tree[i] or 0)+c
    local low=1; while i%(low*2)==0 do low=low*2 end
    i=i+low
  end
end
redis.call('DEL',KEYS[1])
redis.call('HSET',KEYS[1],'n',n)
for i,c in pairs(tree) do redis.call('HSET',KEYS[1],i,c) end
return n
