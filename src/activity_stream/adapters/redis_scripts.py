"""What Redis does in one atomic step, in Lua, for `RedisState`.

    born                hash    when this server's memory begins, and which run of it that is (`memory`)
    kinds               set     the kinds of keys there are: what stands before the first colon
    expiry:KIND         sorted  each key of the kind, by the millisecond in which it expires
    values:KIND         hash    each key's value, where it is not empty
    lease:NAME          hash    number, and how its owner has it: owner, until, born

No key of Redis has an expiry of its own: what has expired is not found any more, and a few are removed by each write of
the same kind. So a scan of one kind never meets another's keys, a nonce costs one entry of a sorted set, and a server
that may throw away keys with an expiry has none to throw away.

Every script has the prefix as `KEYS[1]`; Redis Cluster, where a script has to name each key, is not for them. All that
decides is Redis's own time. Redis 6 is enough.
"""

from hashlib import sha1

import msgspec


class Script(msgspec.Struct, frozen=True):
    """A script, and the name by which Redis knows it once it has run."""

    text: bytes
    sha: bytes


_TIME = """
local prefix = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# A server that starts again may have an old snapshot, one that was a replica may lack the last writes: what is there is
# as little to be relied on as nothing. The run tells. A user that may not ask for it (INFO) notices a loss of all only.
_MEMORY = """
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
local known = redis.call('HMGET', prefix .. 'born', 'at', 'run')
local born = tonumber(known[1])
if not born or (run ~= '' and known[2] ~= run) then
  born = now
  redis.call('HSET', prefix .. 'born', 'at', string.format('%.0f', born), 'run', run)
end
"""

_ENTRIES = """
local key = ARGV[1]
local kind = string.match(key, '^[^:]*')
local expiry, values = prefix .. 'expiry:' .. kind, prefix .. 'values:' .. kind

local function is_there()
  local until_ = redis.call('ZSCORE', expiry, key)
  return until_ and tonumber(until_) > now
end

local function forget(gone)
  redis.call('ZREM', expiry, gone)
  redis.call('HDEL', values, gone)
end

local function store(value, lasts)
  redis.call('SADD', prefix .. 'kinds', kind)
  redis.call('ZADD', expiry, lasts == '' and '+inf' or string.format('%.0f', now + lasts), key)
  if value == '' then redis.call('HDEL', values, key) else redis.call('HSET', values, key, value) end
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', now, 'LIMIT', 0, 20)) do forget(gone) end
end
"""


def _script(*parts: str) -> Script:
    text = "".join(parts).encode()
    return Script(text, sha1(text, usedforsecurity=False).hexdigest().encode())


PING = _script(_TIME, _MEMORY, "return math.ceil(born / 1000) * 1000 - now")
"""The milliseconds that are left of the second in which the memory began; less than 0 for ever after."""

GET = _script(_TIME, _ENTRIES, "return is_there() and (redis.call('HGET', values, key) or '')")
"""ARGV: key. The value, nil where there is none."""

SET = _script(_TIME, _ENTRIES, "store(ARGV[2], ARGV[3])")
"""ARGV: key, value, milliseconds ('': for ever)."""

ADD = _script(
    _TIME,
    _MEMORY,
    _ENTRIES,
    """
if is_there() or (ARGV[4] ~= '' and tonumber(ARGV[4]) < born) then return 0 end
store(ARGV[2], ARGV[3])
return 1
""",
)
"""ARGV: key, value, milliseconds, since ('', or milliseconds since 1970). 1 where it was stored, 0 otherwise."""

DELETE = _script(_TIME, _ENTRIES, "forget(key)")
"""ARGV: key."""

SCAN = _script(
    _TIME,
    """
local wanted, found, kinds = ARGV[1], {}, nil
if string.find(wanted, ':', 1, true) then
  kinds = {string.match(wanted, '^[^:]*')}
else
  kinds = redis.call('SMEMBERS', prefix .. 'kinds')
end
for _, kind in ipairs(kinds) do
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'expiry:' .. kind, '(' .. now, '+inf')) do
    if string.sub(key, 1, #wanted) == wanted then
      found[#found + 1] = key
      found[#found + 1] = redis.call('HGET', prefix .. 'values:' .. kind, key) or ''
    end
  end
end
return found
""",
)
"""ARGV: beginning. Keys and values in turn, in no order."""

ACQUIRE = _script(
    _TIME,
    _MEMORY,
    """
local name, owner, lasts, held = prefix .. 'lease:' .. ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local has = redis.call('HMGET', name, 'owner', 'until', 'number', 'born')
local taken, number = has[1] and tonumber(has[2]) > now, tonumber(has[3]) or 0
if taken and has[1] ~= owner then return false end
if not taken or tonumber(has[4]) ~= born then
  if not held and now < born + lasts then return false end
  number = math.max(number + 1, (held or 0) + 1, math.floor(now / 1000))
end
redis.call('HSET', name, 'owner', owner, 'until', string.format('%.0f', now + lasts),
  'number', string.format('%.0f', number), 'born', string.format('%.0f', born))
return number
""",
)
"""ARGV: name, owner, milliseconds, held ('', or a number). The number, nil where another owner (perhaps) has it."""

RELEASE = _script(
    _TIME,
    """
local name = prefix .. 'lease:' .. ARGV[1]
if redis.call('HGET', name, 'owner') == ARGV[2] then redis.call('HDEL', name, 'owner', 'until', 'born') end
""",
)
"""ARGV: name, owner. The number stays."""
