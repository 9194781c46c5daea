// People who book, hold and confirm, move and call off, each waiting for the answer before going on.
import type { Stream } from '../../db/seed/random.ts'
import type { Booking } from '../../src/bookings/schema.ts'
import type { Client, Reply } from './client.ts'
import { type Person, type Practice, quarter, type World } from './world.ts'

export type Workload = {
  world: World
  client: Client
  random: Stream
  practices: readonly Practice[]
  /** Quarters of an hour to choose a start from. */
  quarters: number
  /** People at work at a time. */
  people: number
  /** Share of the bookings that are called off again, so that others find room. */
  calledOff: number
  signal: AbortSignal
}

/** Works until the signal, and until the last has been answered. */
export async function work(load: Workload): Promise<void> {
  await Promise.all(load.world.people.slice(0, load.people).map((person) => live(load, person)))
}

async function live(load: Workload, person: Person): Promise<void> {
  const { client, random, signal } = load
  while (!signal.aborted) {
    const held = random.chance(0.3)
    const made = bookingOf(
      await client.book(person, { ...choose(load), ...(held && { status: 'held' as const }) })
    )
    if (!made) continue
    const confirmed = held
      ? bookingOf(
          await client.change(person, made, { status: random.chance(0.8) ? 'confirmed' : 'cancelled' })
        )
      : made
    if (!confirmed || confirmed.status === 'cancelled') continue
    const moved = random.chance(0.4)
      ? (bookingOf(await client.change(person, confirmed, { start: choose(load).start })) ?? confirmed)
      : confirmed
    if (random.chance(load.calledOff)) await client.change(person, moved, { status: 'cancelled' })
  }
}

function choose({ world, random, practices, quarters }: Workload): { start: string; serviceId: string } {
  const { services } = random.pick(practices)
  const start = world.firstStart + random.integer(0, quarters - 1) * quarter
  return { start: new Date(start).toISOString(), serviceId: random.pick(services) }
}

function bookingOf(reply: Reply | null): Booking | null {
  return reply && (reply.status === 200 || reply.status === 201) ? JSON.parse(reply.body) : null
}
