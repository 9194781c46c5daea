// The three programs that run inside Redis. Each is one atomic step of the protocol (docs/coherence.md).
// `known` is a hash: slot → newest version announced, or `?token`: a reader has reserved the slot and is asking the
// primary. Missing and reserved both mean "ask", never zero. A number is made by a reservation alone: a version that is
// told late, after Redis forgot, could be older than one that was told before.
import type { Result } from 'ioredis'

// Shared by the writers of `known`: raise a number where larger, break a reservation (whoever asked may have asked too
// early), and announce whatever Redis cannot say was announced before.
const raising = `
local risen = {}
local function raise(slot, version)
  local known = redis.call('HGET', KEYS[1], slot)
  local number = known and tonumber(known)
  if number and number >= version then return end
  if number then redis.call('HSET', KEYS[1], slot, string.format('%.0f', version))
  elseif known then redis.call('HDEL', KEYS[1], slot) end
  risen[#risen + 1] = slot .. ':' .. string.format('%.0f', version)
end
local function announce(bus)
  if #risen > 0 then redis.call('PUBLISH', bus, table.concat(risen, ',')) end
end
`

/**
 * KEYS known, value, lease · ARGV count, leaseMs, token, earlyMs, slots…, floors…
 * → [1, versions, tag, body] the value stands · [2, known] the caller may fill · [0, known] another is filling
 * · [3, versions, tag, body, known] it stands, and ends within earlyMs: the caller, and nobody else, may fill anew.
 * The lease carries the state of knowledge it was granted in: a newer announcement frees it by itself.
 */
const read = `
local count = tonumber(ARGV[1])
local known = redis.call('HMGET', KEYS[1], unpack(ARGV, 5, 4 + count))
local complete, needed = true, {}
local function grant(state) redis.call('SET', KEYS[3], state .. '|' .. ARGV[3], 'PX', ARGV[2]) end
for i = 1, count do
  if not known[i] then
    known[i] = '?' .. ARGV[3]
    redis.call('HSET', KEYS[1], ARGV[4 + i], known[i])
  end
  local number = tonumber(known[i])
  if number then needed[i] = math.max(number, tonumber(ARGV[4 + count + i])) else complete = false end
end
if complete then
  local value = redis.call('HMGET', KEYS[2], 'versions', 'tag', 'body')
  if value[1] then
    local i, stands = 0, true
    for version in string.gmatch(value[1], '[^,]+') do
      i = i + 1
      if i > count or tonumber(version) < needed[i] then stands = false end
    end
    if stands and i == count then
      if redis.call('PTTL', KEYS[2]) > tonumber(ARGV[4]) or redis.call('EXISTS', KEYS[3]) == 1 then
        return {1, value[1], value[2], value[3]}
      end
      local state = table.concat(known, ',')
      grant(state)
      return {3, value[1], value[2], value[3], state}
    end
  end
end
local state = table.concat(known, ',')
local lease = redis.call('GET', KEYS[3])
if lease and string.sub(lease, 1, #state + 1) == state .. '|' then return {0, state} end
grant(state)
return {2, state}
`

// Shared by those who have a value: its slots and versions stand in ARGV from `at` on, first all of the one, then of the other.
const storing = `
local function store(key, count, at, tag, body, ttlMs)
  redis.call('DEL', key)
  redis.call('HSET', key,
    'slots', table.concat({unpack(ARGV, at, at + count - 1)}, ','),
    'versions', table.concat({unpack(ARGV, at + count, at + 2 * count - 1)}, ','),
    'tag', tag, 'body', body)
  redis.call('PEXPIRE', key, ttlMs)
end
`

/**
 * KEYS known, values… · ARGV bus, count, slot, version, slot, version, …; then for each value: count, ttlMs, tag, body,
 * slots…, versions… → how many rose.
 * A writer tells what rose, and may bring what he has made of it. It needs no lease: it is stored only where its
 * versions are those that are known now, and whoever fills for an older state is refused by them.
 */
const tell = `${raising}${storing}
local at = 3
for i = 1, tonumber(ARGV[2]) do
  raise(ARGV[at], tonumber(ARGV[at + 1]))
  at = at + 2
end
announce(ARGV[1])
for k = 2, #KEYS do
  local count = tonumber(ARGV[at])
  local newest = true
  for i = 1, count do
    local known = redis.call('HGET', KEYS[1], ARGV[at + 3 + i])
    if not known or tonumber(known) ~= tonumber(ARGV[at + 3 + count + i]) then newest = false end
  end
  if newest then store(KEYS[k], count, at + 4, ARGV[at + 2], ARGV[at + 3], ARGV[at + 1]) end
  at = at + 4 + 2 * count
end
return #risen
`

/**
 * KEYS known, value, lease · ARGV bus, count, ttlMs, token, tag, body, slots…, versions…, asked… (0: not asked),
 * states… (as `read` gave them) → 1 stored, 0 refused.
 * What the fill has seen is announced either way: another may hold something older.
 */
const put = `${raising}${storing}
local count = tonumber(ARGV[2])
local newest = true
for i = 1, count do
  local slot, version = ARGV[6 + i], tonumber(ARGV[6 + count + i])
  local asked, state = tonumber(ARGV[6 + 2 * count + i]), ARGV[6 + 3 * count + i]
  local known = redis.call('HGET', KEYS[1], slot)
  local number = known and tonumber(known)
  if known and not number and known == state then
    number = math.max(version, asked)
    redis.call('HSET', KEYS[1], slot, string.format('%.0f', number))
    risen[#risen + 1] = slot .. ':' .. string.format('%.0f', number)
  else
    raise(slot, math.max(version, asked))
  end
  if not number or version < number then newest = false end
end
announce(ARGV[1])
local lease = redis.call('GET', KEYS[3])
local mine = lease and string.sub(lease, -#ARGV[4] - 1) == '|' .. ARGV[4]
if mine then redis.call('DEL', KEYS[3]) end
if not (newest and mine) then return 0 end
store(KEYS[2], count, 7, ARGV[5], ARGV[6], ARGV[3])
return 1
`

/** The keys that the scripts take, in a namespace of the link. */
export const keyOf = {
  known: (namespace: string) => `${namespace}known`,
  value: (namespace: string, name: string) => `${namespace}v:${name}`,
  lease: (namespace: string, name: string) => `${namespace}l:${name}`
}

export const scripts = {
  cacheRead: { numberOfKeys: 3, lua: read },
  /** Its keys are as many as there are values, and one: the first argument says how many. */
  cacheTell: { lua: tell },
  cachePut: { numberOfKeys: 3, lua: put }
}

type Argument = string | number | Buffer

declare module 'ioredis' {
  interface RedisCommander<Context> {
    cacheReadBuffer(...keysAndArguments: Argument[]): Result<(number | Buffer)[], Context>
    cacheTell(...keysAndArguments: Argument[]): Result<number, Context>
    cachePut(...keysAndArguments: Argument[]): Result<number, Context>
  }
}
