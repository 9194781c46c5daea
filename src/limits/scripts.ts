// The programs of the limits that run inside Redis, each one atomic step. Every key of theirs holds numbers and hashes
// alone, and ends by itself.
// Redis may forget all of it (a restart, FLUSHALL). `epoch` is a random id that is lost with the rest: who finds another
// than he knows writes down again what he has admitted himself, and only then goes on (src/limits/exact.ts).
import type { Result } from 'ioredis'

/**
 * KEYS epoch, fleet · ARGV instance, aliveMs, candidate → [epoch, instances, time ms]
 * Says that this instance lives, and counts those that said so lately.
 */
const meet = `
redis.call('SET', KEYS[1], ARGV[3], 'NX')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return {redis.call('GET', KEYS[1]), redis.call('ZCARD', KEYS[2]), now}
`

/**
 * KEYS epoch, log · ARGV epoch, quota, windowMs, member → [counted, ms until one more fits]
 * · counted > quota: refused, and not written down · -1: another epoch.
 * The log holds one member for each admission of the last window, by its time.
 */
const take = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1, 0} end
local quota, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - window)
local counted = redis.call('ZCARD', KEYS[2])
local admitted = counted < quota
if admitted then
  redis.call('ZADD', KEYS[2], now, ARGV[4])
  redis.call('PEXPIRE', KEYS[2], window)
end
local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
local wait = oldest[2] and tonumber(oldest[2]) + window - now or window
return {counted + 1, wait}
`

/**
 * KEYS log · ARGV windowMs, age ms, member, age ms, member, …
 * Members that are there keep their time: to be told twice changes nothing.
 */
const restore = `
local window = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV, 2 do redis.call('ZADD', KEYS[1], 'NX', now - tonumber(ARGV[i]), ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], window)
return 1
`

/**
 * KEYS epoch, then current, previous for each · ARGV instance, windowMs, then current, previous for each
 * → [epoch, then the fleet's current, previous for each]
 * Each instance writes its own whole count, never a difference: to be told twice, or again after Redis forgot, is right.
 */
const report = `
local function write(key, count)
  if tonumber(count) > 0 then
    redis.call('HSET', key, ARGV[1], count)
    redis.call('PEXPIRE', key, 2 * tonumber(ARGV[2]))
  end
  local sum = 0
  for _, one in ipairs(redis.call('HVALS', key)) do sum = sum + tonumber(one) end
  return sum
end
local sums = {redis.call('GET', KEYS[1]) or ''}
for i = 2, #KEYS do sums[i] = write(KEYS[i], ARGV[i + 1]) end
return sums
`

export const limitScripts = {
  limitMeet: { numberOfKeys: 2, lua: meet },
  limitTake: { numberOfKeys: 2, lua: take },
  limitRestore: { numberOfKeys: 1, lua: restore },
  limitReport: { lua: report }
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    limitMeet(
      epoch: string,
      fleet: string,
      ...given: (string | number)[]
    ): Result<[epoch: string, instances: number, timeMs: number], Context>
    limitTake(
      epoch: string,
      log: string,
      ...given: (string | number)[]
    ): Result<[counted: number, waitMs: number], Context>
    limitRestore(log: string, ...given: (string | number)[]): Result<number, Context>
    limitReport(
      keys: number,
      ...keysAndCounts: (string | number)[]
    ): Result<[epoch: string, ...sums: number[]], Context>
  }
}
