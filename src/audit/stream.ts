// The Redis Stream between those who record and those who write to the table, and the programs that run inside Redis.
//
// The stream has one consumer group, and the group's name is random: it names this life of the stream. A Redis that
// forgot, was emptied, or evicted the stream begins another life, and whoever appended to the former one hears of it
// with the next reply. `written` is how far the table is: entries before it were acknowledged by the group after their
// COMMIT, and those alone are ever trimmed.
import { randomUUID } from 'node:crypto'
import { Redis, type RedisOptions, type Result } from 'ioredis'

export const streamKey = 'turno:audit'

/** The name of a life of the stream, should one begin. */
export function newLife(): string {
  return `table.${randomUUID()}`
}

/** A stream this long takes no more: whoever records spools instead. About 80 MB of Redis. */
export const mostInStream = 200_000

/** What Redis says of the stream. Ids are as Redis writes them, `milliseconds-sequence`. */
export type StreamState = {
  life: string
  /** Every entry before this id is in the table. */
  written: string
  /** How many are not yet known to be. */
  waiting: number
  /** Of the last entry appended by this call; null where nothing was, or the stream is full. */
  last: string | null
}

// Everything before the oldest pending entry; where none is pending, everything that was delivered.
const describing = `
local function described()
  local group = redis.call('XINFO', 'GROUPS', KEYS[1])[1]
  local fields = {}
  for i = 1, #group, 2 do fields[group[i]] = group[i + 1] end
  local pending = redis.call('XPENDING', KEYS[1], fields.name)
  local written = pending[2]
  if pending[1] == 0 then
    local ms, sequence = string.match(fields['last-delivered-id'], '^(%d+)-(%d+)$')
    written = ms .. '-' .. string.format('%.0f', tonumber(sequence) + 1)
  end
  return fields.name, written
end
local function begin(life)
  if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('XGROUP', 'CREATE', KEYS[1], life, '0', 'MKSTREAM') end
end
`

/** KEYS stream · ARGV life if there is none, most, lines… → [life, written, waiting, last or false] */
const append = `${describing}
begin(ARGV[1])
local last = false
if redis.call('XLEN', KEYS[1]) + #ARGV - 2 <= tonumber(ARGV[2]) then
  for i = 3, #ARGV do last = redis.call('XADD', KEYS[1], '*', 'e', ARGV[i]) end
end
local life, written = described()
return { life, written, redis.call('XLEN', KEYS[1]), last }
`

/** KEYS stream · ARGV life, ids… → how many are left; -1 where that life has ended. The table has these entries. */
const acknowledge = `${describing}
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local life = described()
if life ~= ARGV[1] then return -1 end
if #ARGV > 1 then redis.call('XACK', KEYS[1], life, unpack(ARGV, 2)) end
local _, written = described()
redis.call('XTRIM', KEYS[1], 'MINID', '=', written)
return redis.call('XLEN', KEYS[1])
`

/** KEYS stream · ARGV life, idleMs. Forgets consumers that are long gone; in one step, so that none of them gets an entry meanwhile. */
const forget = `
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local fields = {}
  for i = 1, #consumer, 2 do fields[consumer[i]] = consumer[i + 1] end
  if fields.pending == 0 and fields.idle > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], fields.name)
  end
end
`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    auditAppend(
      stream: string,
      life: string,
      most: number,
      ...lines: string[]
    ): Result<[life: string, written: string, waiting: number, last: string | null], Context>
    auditAcknowledge(stream: string, life: string, ...ids: string[]): Result<number, Context>
    auditForget(stream: string, life: string, idleMs: number): Result<null, Context>
  }
}

const reconnectMs = { least: 50, spread: 50 }

/**
 * A connection for one of the trail's ends: recording and consuming never share one, nor the cache's. A Redis that is
 * not there fails a command at once; one that is silent, after `commandTimeoutMs`.
 */
export function streamConnection(url: string, commandTimeoutMs: number): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: false,
    connectTimeout: 300,
    commandTimeout: commandTimeoutMs,
    retryStrategy: () => reconnectMs.least + Math.random() * reconnectMs.spread,
    scripts: {
      auditAppend: { lua: append, numberOfKeys: 1 },
      auditAcknowledge: { lua: acknowledge, numberOfKeys: 1 },
      auditForget: { lua: forget, numberOfKeys: 1 }
    }
  } satisfies RedisOptions)
  // What fails is told to whoever asked; without a listener it would end the process.
  redis.on('error', () => {})
  return redis
}
