-- Takes one request from each of these buckets, or from none of them. Returns how long to wait, in microseconds; 0 is taken.
--
-- A bucket is the time at which it will be full again (the generic cell rate algorithm), in microseconds by the clock of
-- Redis, which all replicas share. It is forgotten when it is full.
--
-- KEYS: the buckets. ARGV: microseconds until a bucket has one more, and how many it holds.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local period, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local wait, full = 0, {}
for i, key in ipairs(KEYS) do
  local at = tonumber(redis.call('GET', key) or now)
  -- Never further away than a bucket is deep: the limit may have been another one, and a clock may have been set back.
  at = math.min(math.max(at, now), now + period * burst)
  wait = math.max(wait, at - now - period * (burst - 1))
  full[i] = at + period
end
if wait > 0 then
  return math.ceil(wait)
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', full[i]), 'PX', math.ceil((full[i] - now) / 1000))
end
return 0
