// What all subjects stand on: a stack of this run's own with the seed data, as many public profiles as asked for, people
// who may become therapists, and calendars that are open day and night, so that a booking that ought to succeed does.
// Made once for each state of the code that makes it, then copied.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { uuidToBytes } from '../db/columns.ts'
import { withConnection } from '../db/connection.ts'
import { migrate } from '../db/migrate.ts'
import { type Scale, seed } from '../db/seed/seed.ts'
import { type Stack, startStack } from '../db/stack/stack.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const templates = join(root, '.local', 'bench')
const growLimitMs = 600_000
const replicas = 2

export type DataSize = {
  scale: Scale
  /** Profiles in all, those of the seed data included. */
  profiles: number
  /** Therapists without a profile: each can be created once. */
  applicants: number
}

/** Of the users that are added, in order: a prefix, then a number. */
const addedPrefix = '018e0000-0000-7b10-8000-'
export const applicantPrefix = '018e0000-0000-7b11-8000-'
const hexOf = (prefix: string) => prefix.replaceAll('-', '')

/** The service of a therapist that the bench books: half an hour, no buffers. Its id follows from the therapist's. */
export const serviceOf = (therapistId: string) => `018e1111${therapistId.slice(8)}`

/** Starts a stack under `directory` that holds the data. The caller stops it. */
export async function startData(
  directory: string,
  size: DataSize,
  report: (line: string) => void,
  abort: AbortSignal
): Promise<Stack> {
  const template = await templateOf(size, report, abort)
  return startStack({ directory: join(directory, 'stack'), replicas, template, throwaway: true, abort })
}

async function templateOf(
  size: DataSize,
  report: (line: string) => void,
  abort: AbortSignal
): Promise<string> {
  const template = join(templates, `${size.scale}-${size.profiles}-${await fingerprint()}`)
  if (existsSync(template)) return template
  report(`making the data: ${size.profiles} profiles on the data set "${size.scale}" (once)`)
  await mkdir(templates, { recursive: true })
  const aside = await mkdtemp(join(templates, 'new-'))
  try {
    const stack = await startStack({ directory: aside, replicas: 0, throwaway: true, abort })
    try {
      const { url } = stack.mysql.primary
      await migrate(url)
      await seed(url, size.scale)
      abort.throwIfAborted()
      await grow(url, size)
    } finally {
      await stack.stop()
    }
    await rename(aside, template)
  } catch (error) {
    await rm(aside, { recursive: true, force: true })
    if (!existsSync(template)) throw error
  }
  return template
}

async function grow(primaryUrl: string, { profiles, applicants }: DataSize): Promise<void> {
  await withConnection(primaryUrl, 'fill', growLimitMs, async (connection) => {
    const [counted] = await connection.query<CountRow[]>('SELECT COUNT(*) AS count FROM profiles')
    const added = Math.max(0, profiles - (counted[0]?.count ?? 0))
    const numbers = (count: number) =>
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})`
    const id = (prefix: string) => `UNHEX(CONCAT('${hexOf(prefix)}', LPAD(HEX(n), 12, '0')))`
    const addUsers = (prefix: string, count: number) =>
      connection.query(
        `INSERT INTO users (id, email, password_hash, role, created_at, updated_at)
         ${numbers(count)}
         SELECT ${id(prefix)}, CONCAT('${prefix.slice(14, 18)}-', n, '@example.com'), '', 'therapist', '2026-06-01', '2026-06-01'
           FROM numbers`
      )
    await connection.query(`SET SESSION cte_max_recursion_depth = 10000000`).catch(() => {})
    await connection.query(`SET SESSION max_recursive_iterations = 10000000`).catch(() => {})
    await addUsers(applicantPrefix, applicants)
    if (added > 0) {
      await addUsers(addedPrefix, added)
      // Each a copy of one of the seed's, its text cut: about a kilobyte, as the seed projects' profiles have.
      await connection.query(
        `CREATE TEMPORARY TABLE originals (place INT PRIMARY KEY, id BINARY(16) NOT NULL)
         SELECT ROW_NUMBER() OVER (ORDER BY id) - 1 AS place, id FROM profiles WHERE visibility = 'public'`
      )
      const [rows] = await connection.query<CountRow[]>('SELECT COUNT(*) AS count FROM originals')
      const originals = rows[0]?.count ?? 1
      await connection.query(
        `CREATE TEMPORARY TABLE copies (id BINARY(16) PRIMARY KEY, original BINARY(16) NOT NULL, n INT NOT NULL)
         ${numbers(added)}
         SELECT ${id(addedPrefix)} AS id, originals.id AS original, n
           FROM numbers JOIN originals ON originals.place = n % ${originals}`
      )
      await connection.query(
        `INSERT INTO profiles (id, visibility, display_name, headline, bio, photo_url, city, region, online, in_person,
                               price_from, currency, rating_avg, rating_count, next_slot_at, created_at, updated_at)
         SELECT copies.id, 'public', display_name, headline, LEFT(bio, 300), photo_url, city, region, online, in_person,
                price_from, currency, rating_avg, rating_count, next_slot_at, '2026-06-01', '2026-06-01'
           FROM copies JOIN profiles ON profiles.id = copies.original`
      )
      await connection.query(
        `INSERT INTO profile_terms (profile_id, kind, term)
         SELECT copies.id, kind, term FROM copies JOIN profile_terms ON profile_id = copies.original`
      )
    }
    await openCalendars(connection)
  })
}

type CountRow = RowDataPacket & { count: number }

async function openCalendars(connection: Connection): Promise<void> {
  const weekly = Object.fromEntries(
    ['1', '2', '3', '4', '5', '6', '7'].map((day) => [day, [['00:00', '24:00']]])
  )
  await connection.query(
    `UPDATE calendars SET time_zone = 'UTC', weekly = ?, overrides = '{}', holiday_region = NULL, min_notice_min = 0,
       horizon_days = 365, cancel_window_min = 0, reschedule_window_min = 0, max_per_day = NULL`,
    [JSON.stringify(weekly)]
  )
  await connection.query(
    'DELETE FROM payments WHERE booking_id IN (SELECT id FROM bookings WHERE blocks_to > UTC_TIMESTAMP())'
  )
  await connection.query('DELETE FROM bookings WHERE blocks_to > UTC_TIMESTAMP()')
  await connection.query(
    `INSERT INTO services (id, therapist_id, name, duration_min, buffer_before_min, buffer_after_min, step_min, price, mode)
     SELECT UNHEX(CONCAT('018E1111', SUBSTR(HEX(therapist_id), 9))), therapist_id, 'Media hora', 30, 0, 0, 30, 3000, 'online'
       FROM calendars`
  )
}

/** So many sessions of users, that tokens may name. */
export async function addSessions(
  primaryUrl: string,
  sessions: readonly { id: string; userId: string }[]
): Promise<void> {
  if (sessions.length === 0) return
  await withConnection(primaryUrl, 'sign people in at', growLimitMs, async (connection) => {
    await connection.query(
      'INSERT INTO sessions (id, family_id, user_id, token_hash, device, expires_at, created_at) VALUES ?',
      [
        sessions.map(({ id, userId }) => [
          uuidToBytes(id),
          // The first of its family: that is what a token names.
          uuidToBytes(id),
          uuidToBytes(userId),
          createHash('sha256').update(id).digest(),
          'bench',
          new Date(Date.now() + 7 * 86_400_000),
          new Date()
        ])
      ]
    )
  })
}

/** Of the code that decides what is in the data. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256')
  const folders = ['migrations', 'seed', 'stack'].map((name) => join(root, 'db', name))
  const listed = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder, { recursive: true })).map((name) => join(folder, name))
    )
  )
  const own = [join(root, 'db', 'holidays.es.json'), fileURLToPath(import.meta.url)]
  const paths = [...own, ...listed.flat().filter((path) => /\.(ts|sql|json)$/.test(path))]
  for (const path of paths.sort()) hash.update(path).update(await readFile(path))
  return hash.digest('hex').slice(0, 16)
}
