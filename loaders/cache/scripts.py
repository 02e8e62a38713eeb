"""Lua scripts of the cache, each of which Redis runs atomically.

An object is a hash: a field's text under its name, its lease under `~` and the name. A text begins with three times
(fresh, stale, usable on error, each 13 digits) and the epochs that it was loaded in (`*`'s token, then its source's). A
lease is the time that it ends at and its holder's token. A value is only taken from the holder of the lease, and an
invalidation deletes the hash with its leases: what was read before a write never comes back after it.

Epochs are a hash of tokens by source. One that is missing, evicted for example, is made anew, and differs.

What Redis holds belongs to one *replication epoch*, named by its replication id: a server begins another one when it
starts, and when it becomes the master. It may then lack the last writes, whatever it has restored or copied, so all
source epochs are made anew and nothing older is served. A shard whose slot moved to another node and back has had
another replication epoch meanwhile, if anything was invalidated there.

A server may refuse writes and answer reads: it is full, it could not save, it is a replica or lacks those that it
needs, or the user may not write. Then changes cannot be made known, so every script begins with a write that changes
nothing, and fails there too.
"""

_HELPERS = """
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
-- Empties a hash of another replication epoch. The first command is a write that mostly changes nothing: it is then not
-- replicated or saved, and fails where any write would. It must come first, since once a script has written, a full
-- server lets it go on.
local function check_replication_epoch(key)
  local info = redis.call('INFO', 'replication')
  local at = string.find(info, 'master_replid:', 1, true)
  local replication_epoch = string.sub(info, at + 14, at + 53)
  local same = redis.call('HSETNX', key, '@', replication_epoch) == 0
  if same and redis.call('HGET', key, '@') ~= replication_epoch then
    redis.call('DEL', key)
    redis.call('HSET', key, '@', replication_epoch)
    same = false
  end
  return replication_epoch, same
end
-- Fails where an access control list forbids a command that an invalidation needs: Redis can tell since version 7.
local function require_invalidation(key)
  if not redis.acl_check_cmd then return end
  local commands = {{'DEL', key}, {'HSET', key, '', ''}, {'INCR', key}, {'XADD', key, '*', '', ''}}
  for _, command in ipairs(commands) do
    if not redis.acl_check_cmd(unpack(command)) then
      error('NOPERM this user may not run ' .. command[1] .. ', which invalidations need')
    end
  end
end
-- Processes that had a lease before this list began (in another replication epoch, or before it was emptied or evicted)
-- are waited for during one lease: an entry without a name stands for them, and never reads on.
local function begin(attending, places, now, lease_ms)
  local replication_epoch, same = check_replication_epoch(places)
  if not same then redis.call('DEL', attending) end
  if redis.call('EXISTS', attending) == 0 then redis.call('ZADD', attending, now + tonumber(lease_ms), '') end
  return replication_epoch
end
local function epoch(key, source, fresh)
  local token = redis.call('HGET', key, source)
  if not token then
    token = string.sub(redis.sha1hex(fresh), 1, 8)
    redis.call('HSET', key, source, token)
  end
  return token
end
"""

LOOK_UP = (
    _HELPERS
    + """
-- KEYS: epochs, objects. ARGV: token, lease in ms, deadline in ms (0: none), mode (load, refresh or look), n, n names,
-- m, m sources, n lists of the numbers of a field's sources, and perhaps n times '1' for a field whose text must have
-- been written without a time to be served stale, else ''. A field of several sources has an epoch made of theirs, so
-- that each of them ends it. After the deadline nobody waits for the answer any more, and no lease is given.
-- Answers: now, n epochs, then for each object a list: a text, 1 (leased to the caller), 0 (leased to another), or
-- {1 or 0, text that is usable on error}. In refresh, what is stale is leased too, and its text is left out.
local token, lease_ms, deadline = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local mode, n, now = ARGV[4], tonumber(ARGV[5]), now_ms()
local late = deadline > 0 and now > deadline
require_invalidation(KEYS[1])
local fresh = token .. check_replication_epoch(KEYS[1])
local all = epoch(KEYS[1], '*', fresh)
local names, epochs, tokens, joined, m = {}, {}, {}, {}, tonumber(ARGV[6 + n])
for j = 1, m do tokens[j] = epoch(KEYS[1], ARGV[6 + n + j], fresh) end
for i = 1, n do
  local numbers = ARGV[6 + n + m + i]
  if not joined[numbers] then
    local of = {}
    for number in string.gmatch(numbers, '%d+') do of[#of + 1] = tokens[tonumber(number)] end
    joined[numbers] = #of == 1 and of[1] or string.sub(redis.sha1hex(table.concat(of)), 1, 8)
  end
  names[i] = ARGV[5 + i]
  epochs[i] = all .. joined[numbers]
end
local answer = {now, epochs}
for k = 2, #KEYS do
  local key, row, leased = KEYS[k], redis.call('HMGET', KEYS[k], unpack(names)), false
  for i = 1, n do
    local text, usable = row[i], false
    if text and string.sub(text, 40, 55) == epochs[i] then
      usable = tonumber(string.sub(text, 27, 39)) >= now
      local until_ms = (mode == 'refresh') and string.sub(text, 1, 13) or string.sub(text, 14, 26)
      if ARGV[6 + 2 * n + m + i] == '1' and string.sub(text, 1, 13) ~= string.sub(text, 14, 26) then until_ms = 0 end
      if tonumber(until_ms) < now then
        if not usable then text = false end
      else
        usable = nil
      end
    else
      text = false
    end
    if usable ~= nil then
      local state, lease = 0, redis.call('HGET', key, '~' .. names[i])
      local free = not lease or tonumber(string.sub(lease, 1, 13)) < now or string.sub(lease, 14) == token
      if free and not late and mode ~= 'look' then
        redis.call('HSET', key, '~' .. names[i], string.format('%013d', now + lease_ms) .. token)
        state, leased = 1, true
      end
      if text and mode ~= 'refresh' then row[i] = {state, text} else row[i] = state end
    end
  end
  if leased and redis.call('PTTL', key) < lease_ms then redis.call('PEXPIRE', key, lease_ms * 2) end
  answer[k + 1] = row
end
return answer
"""
)

PUT = """
-- KEYS: objects. ARGV: token, how long to keep in ms, n, n names, then n texts an object; an empty one gives the lease
-- back. Answers how many texts were taken: those whose lease is still the caller's.
local token, keep_ms, n, taken = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), 0
for k = 1, #KEYS do
  local key, changed = KEYS[k], false
  for i = 1, n do
    local name, text = ARGV[3 + i], ARGV[3 + k * n + i]
    local lease = redis.call('HGET', key, '~' .. name)
    if lease and string.sub(lease, 14) == token then
      redis.call('HDEL', key, '~' .. name)
      if text ~= '' then
        -- A caller can ask for ever new periods: past so many fields an object begins anew.
        if redis.call('HLEN', key) > 1000 then redis.call('DEL', key) end
        redis.call('HSET', key, name, text)
        taken, changed = taken + 1, true
      end
    end
  end
  if changed and redis.call('PTTL', key) < keep_ms then redis.call('PEXPIRE', key, keep_ms) end
end
return taken
"""

FORGET = (
    _HELPERS
    + """
-- KEYS: epochs, objects. ARGV: token, sources. The objects are gone, and all that was loaded of the sources.
check_replication_epoch(KEYS[1])
for i = 2, #ARGV do redis.call('HSET', KEYS[1], ARGV[i], string.sub(ARGV[1], 1, 8)) end
for k = 2, #KEYS do redis.call('DEL', KEYS[k]) end
return #KEYS - 1
"""
)

ANNOUNCE = """
-- KEYS: changes, count. ARGV: the change, how many changes to keep. Answers the change's place in the stream.
local number = redis.call('INCR', KEYS[2])
return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'change', ARGV[1], 'number', number)
"""

ATTEND = (
    _HELPERS
    + """
-- KEYS: attending, places, changes. ARGV: process, place, lease in ms, replication epoch. Until the lease ends, changes
-- wait for the process. Without a place, it begins at the end of the changes, in any replication epoch; with one, it
-- gets no lease in another replication epoch than its own. Answers the replication epoch and the place.
local now = now_ms()
local replication_epoch, place = begin(KEYS[1], KEYS[2], now, ARGV[3]), ARGV[2]
if place == '' then
  local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
  place = last and last[1] or '0-0'
elseif ARGV[4] ~= replication_epoch then
  return {replication_epoch, place}
end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - 60000)) do
  if gone ~= '' then
    redis.call('ZREM', KEYS[1], gone)
    redis.call('HDEL', KEYS[2], gone)
  end
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], place)
return {replication_epoch, place}
"""
)

AWAITED = (
    _HELPERS
    + """
-- KEYS: attending, places. ARGV: lease in ms. Answers the places that processes have come to whose lease has not ended.
local answer, now = {}, now_ms()
begin(KEYS[1], KEYS[2], now, ARGV[1])
for i, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')) do
  answer[i] = redis.call('HGET', KEYS[2], process) or '0-0'
end
return answer
"""
)
