// What the fleet knows of a breaker: one hash in Redis, changed in atomic steps, each of which is told to all instances.
// `number` rises with each change, so that what is heard late never undoes what is newer. The hash ends by itself: what
// nobody has called for so long is tried again.
import type { Result } from 'ioredis'

const shared = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HMGET', KEYS[1], 'until', 'times', 'number')
local ends, times, number = tonumber(known[1]) or 0, tonumber(known[2]) or 0, tonumber(known[3]) or 0
`

/**
 * KEYS breaker, trial · ARGV channel, name, firstMs, mostMs, keptMs → [number, ms it stays open, how often in a row]
 * An open one stays as it is: many instances find out at once, and that is one finding.
 */
const open = `${shared}
if ends > now then return {number, ends - now, times} end
times = times + 1
local ms = math.min(tonumber(ARGV[3]) * 2 ^ math.min(times - 1, 30), tonumber(ARGV[4]))
number = math.max(number + 1, now)
redis.call('HSET', KEYS[1], 'until', now + ms, 'times', times, 'number', string.format('%.0f', number))
redis.call('PEXPIRE', KEYS[1], ms + tonumber(ARGV[5]))
redis.call('DEL', KEYS[2])
redis.call('PUBLISH', ARGV[1], cjson.encode({ARGV[2], string.format('%.0f', number), ms, times}))
return {number, ms, times}
`

/** KEYS breaker, trial · ARGV channel, name, keptMs → number */
const close = `${shared}
number = math.max(number + 1, now)
redis.call('HSET', KEYS[1], 'until', 0, 'times', 0, 'number', string.format('%.0f', number))
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[3]))
redis.call('DEL', KEYS[2])
redis.call('PUBLISH', ARGV[1], cjson.encode({ARGV[2], string.format('%.0f', number), 0, 0}))
return number
`

/**
 * KEYS breaker, trial · ARGV instance, trialMs → [1 the caller may try · 0 not yet, or another does, number, ms, times]
 * The trial ends by itself, should its instance die meanwhile.
 */
const tryOnce = `${shared}
if ends > now then return {0, number, ends - now, times} end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return {1, number, 0, times} end
return {0, number, math.max(redis.call('PTTL', KEYS[2]), 1), times}
`

/** KEYS breaker → [number, ms it stays open, times] */
const look = `${shared}
return {number, math.max(ends - now, 0), times}
`

export const breakerScripts = {
  breakerOpen: { numberOfKeys: 2, lua: open },
  breakerClose: { numberOfKeys: 2, lua: close },
  breakerTry: { numberOfKeys: 2, lua: tryOnce },
  breakerLook: { numberOfKeys: 1, lua: look }
}

type Known = [number: number, ms: number, times: number]

declare module 'ioredis' {
  interface RedisCommander<Context> {
    breakerOpen(breaker: string, trial: string, ...given: (string | number)[]): Result<Known, Context>
    breakerClose(breaker: string, trial: string, ...given: (string | number)[]): Result<number, Context>
    breakerTry(
      breaker: string,
      trial: string,
      ...given: (string | number)[]
    ): Result<[may: number, ...Known], Context>
    breakerLook(breaker: string): Result<Known, Context>
  }
}
