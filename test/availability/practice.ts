// A practice of its own for a test: opened through the API, and booked in by hand.
import { randomUUIDv7 } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { uuidToBytes } from '../../db/columns.ts'
import { bookings, clients, users } from '../../db/schema.ts'
import { lockCalendar, raiseCalendar } from '../../src/calendar/queries.ts'
import { query } from '../statements.ts'

const minute = 60_000

export type Practice = Awaited<ReturnType<typeof openPractice>>

/**
 * A therapist in Madrid who is open from 09:00 to 13:00 each day, for sessions of an hour without pauses, whom one may
 * book at once and 60 days ahead; unless `rules` or `service` say otherwise.
 */
export async function openPractice(app: FastifyInstance, primaryUrl: string, rules = {}, service = {}) {
  const id = await newTherapist(primaryUrl)
  const authorization = `Bearer ${app.signToken({ id, role: 'therapist' }, 600)}`
  const headers = { authorization, 'if-match': '*' }
  const displayName = 'Nora Vidal Roca'
  const created = await app.inject({
    method: 'POST',
    url: '/api/profiles',
    headers: { authorization },
    payload: { displayName, region: 'ES-CN' }
  })
  const services = [
    {
      name: 'Sesión',
      durationMinutes: 60,
      stepMinutes: 60,
      bufferAfterMinutes: 0,
      price: 6000,
      mode: 'online',
      ...service
    }
  ]
  const profile = await app.inject({
    method: 'PUT',
    url: '/api/profile',
    headers,
    payload: { displayName, services }
  })
  const hours = [{ from: '09:00', to: '13:00' }]
  const weekly = { 1: hours, 2: hours, 3: hours, 4: hours, 5: hours, 6: hours, 7: hours }
  const open = { timeZone: 'Europe/Madrid', weekly, minNoticeMinutes: 0, ...rules }
  const opened = await app.inject({ method: 'PUT', url: '/api/availability/rules', headers, payload: open })
  if (created.statusCode !== 201 || profile.statusCode !== 200 || opened.statusCode !== 200) {
    throw new Error(`${created.body} ${profile.body} ${opened.body}`)
  }
  const serviceId: string = profile.json().services[0].id

  return {
    id,
    serviceId,
    authorization,
    open,
    /** The answer for local days, given as `daysAhead` makes them. */
    ask(from: string, to: string, more: Record<string, string> = {}, headers: Record<string, string> = {}) {
      const asked = new URLSearchParams({ therapistId: id, serviceId, from, to, ...more })
      return app.inject({ url: `/api/availability?${asked}`, headers })
    },
    /** Books an hour as a writer must: under the calendar's lock, which it raises. */
    book(startsAt: number, hold?: { expiresAt: number; clientUserId: string }) {
      return bookHour(app, { therapistId: id, serviceId, startsAt, ...(hold && { hold }) })
    }
  }
}

/** A therapist's user in the Canary Islands, without a profile. @returns the id */
export async function newTherapist(primaryUrl: string): Promise<string> {
  const id = randomUUIDv7()
  await query(
    primaryUrl,
    `INSERT INTO users (id, email, password_hash, role, time_zone, created_at, updated_at)
     VALUES (?, ?, '', 'therapist', 'Atlantic/Canary', '2026-11-01', '2026-11-01')`,
    [uuidToBytes(id), `${id}@example.com`]
  )
  return id
}

type Hour = {
  therapistId: string
  serviceId: string
  startsAt: number
  hold?: { expiresAt: number; clientUserId: string }
}

/** @returns the booking's id */
export async function bookHour(
  app: FastifyInstance,
  { therapistId, serviceId, startsAt, hold }: Hour
): Promise<string> {
  const at = new Date().toISOString()
  const start = new Date(startsAt).toISOString()
  const end = new Date(startsAt + 60 * minute).toISOString()
  const [id, clientId] = [randomUUIDv7(), randomUUIDv7()]
  await app.cache.write(async (transaction) => {
    const { database } = transaction
    await lockCalendar(database, therapistId)
    const userId = hold?.clientUserId ?? null
    if (userId !== null) {
      await database.insert(users).values({
        id: userId,
        email: `${userId}@example.com`,
        passwordHash: '',
        role: 'client',
        createdAt: at,
        updatedAt: at
      })
    }
    await database
      .insert(clients)
      .values({ id: clientId, therapistId, userId, name: 'Ana', createdAt: at, updatedAt: at })
    await database.insert(bookings).values({
      id,
      therapistId,
      clientId,
      serviceId,
      startsAt: start,
      endsAt: end,
      blocksFrom: start,
      blocksTo: end,
      timeZone: 'Europe/Madrid',
      utcOffsetMin: 60,
      status: hold ? 'held' : 'confirmed',
      holdExpiresAt: hold ? new Date(hold.expiresAt).toISOString() : null,
      price: 6000,
      mode: 'online',
      createdAt: at,
      updatedAt: at
    })
    await raiseCalendar(transaction, therapistId)
  })
  return id
}

/** The local date in Madrid so many days from now. */
export function daysAhead(days: number): string {
  return Temporal.Now.plainDateISO('Europe/Madrid').add({ days }).toString()
}

/** Epoch ms of a time there on that day. */
export function inMadrid(date: string, time: string): number {
  return Temporal.PlainDateTime.from(`${date}T${time}`).toZonedDateTime('Europe/Madrid').epochMilliseconds
}
