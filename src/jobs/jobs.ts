// All jobs of the service, and how often each is looked for.
import { lt } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/mysql2'
import type { Pool } from '../../db/pool.ts'
import { webhookDeliveries } from '../../db/schema.ts'
import { removeEndedSessions } from '../accounts/sweep.ts'
import { settleDue } from '../bookings/due.ts'
import type { Cache } from '../cache/cache.ts'
import type { Database } from '../cache/view.ts'
import { placeEventsIfAny } from '../events/order.ts'
import { forgetEvents } from '../events/retention.ts'
import { sweepIdempotencyKeys } from '../http/idempotency.ts'
import { refreshNextSlots } from '../profiles/next-slots.ts'
import { fanOut } from '../webhooks/deliveries.ts'
import type { Job } from './job.ts'
import { remind } from './reminders.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

const bookingsAtOnce = 50
const profilesAtOnce = 20
/** The log of deliveries is kept so long. */
const deliveriesKeptMs = 30 * 24 * hour
const deliveriesAtOnce = 500

export type Parts = {
  cache: Cache
  mysql: { primary: Pool; primaryReads: Pool }
  /** Another process has to hear how far the order of events has come. */
  announce(head: number): void
}

export function jobs(parts: Parts): readonly Job[] {
  const { cache, mysql } = parts
  const { primary } = mysql
  const on = <T>(work: (database: Database) => Promise<T>) =>
    primary.use((connection) => work(drizzle({ client: connection })))

  // Where the last batch ended: lost with the process, and then begun anew.
  let profile: string | null = null
  let reminder: Parameters<typeof remind>[1] = null

  return [
    {
      name: 'webhooks',
      everyMs: second,
      async run() {
        const { head, placed } = await placeEventsIfAny(primary)
        if (placed > 0) parts.announce(head)
        const { events, more } = await fanOut(cache)
        return { done: events, more }
      }
    },
    {
      name: 'bookings-due',
      everyMs: 10 * second,
      async run() {
        const { expired, completed } = await settleDue({ cache, primary }, bookingsAtOnce)
        return {
          done: expired + completed,
          more: expired === bookingsAtOnce || completed === bookingsAtOnce
        }
      }
    },
    {
      name: 'reminders',
      everyMs: minute,
      async run() {
        const { written, next } = await remind({ cache, primary }, reminder)
        reminder = next
        return { done: written, more: next !== null }
      }
    },
    {
      name: 'next-slots',
      everyMs: 30 * second,
      async run() {
        const { changed, next } = await refreshNextSlots({ cache, mysql }, profilesAtOnce, profile)
        profile = next
        return { done: changed, more: false }
      }
    },
    {
      name: 'idempotency-keys',
      everyMs: minute,
      async run() {
        const done = await on(sweepIdempotencyKeys)
        return { done, more: done >= 1_000 }
      }
    },
    {
      name: 'sessions',
      everyMs: 10 * minute,
      run: async () => ({ done: await removeEndedSessions(primary), more: false })
    },
    {
      name: 'events-retention',
      everyMs: minute,
      async run() {
        const done = await forgetEvents(primary)
        return { done, more: done > 0 }
      }
    },
    {
      name: 'deliveries-retention',
      everyMs: 10 * minute,
      async run() {
        const before = new Date(Date.now() - deliveriesKeptMs).toISOString()
        const [{ affectedRows }] = await on((database) =>
          database
            .delete(webhookDeliveries)
            .where(lt(webhookDeliveries.createdAt, before))
            .limit(deliveriesAtOnce)
        )
        return { done: affectedRows, more: affectedRows === deliveriesAtOnce }
      }
    }
  ]
}
