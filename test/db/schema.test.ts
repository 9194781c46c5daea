import { eq, getTableName } from 'drizzle-orm'
import { getTableConfig, type MySqlTable } from 'drizzle-orm/mysql-core'
import { drizzle } from 'drizzle-orm/mysql2'
import t from 'tap'
import * as schema from '../../db/schema.ts'
import { engines } from '../engines.ts'
import { connect, onlyValue, rowsOf } from './databases.ts'

const { mysql } = await engines(t, { replicas: 0, scale: 'empty' })
const connection = await connect(t, mysql.primary.url)
const tables: MySqlTable[] = Object.values(schema)

t.test('every column and index of the schema is in the database, and the other way round', async (t) => {
  const declared = tables.flatMap((table) =>
    getTableConfig(table).columns.map(
      (column) =>
        `${getTableName(table)}.${column.name} ${plain(column.getSQLType())}${column.notNull ? ' not null' : ''}`
    )
  )
  const real = await rowsOf(
    connection,
    `SELECT table_name AS name, column_name AS col, column_type AS type, is_nullable AS nullable
       FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name NOT LIKE '\\_\\_%'`
  )
  const found = real.map(
    ({ name, col, type, nullable }) => `${name}.${col} ${plain(type)}${nullable === 'NO' ? ' not null' : ''}`
  )
  t.same(found.sort(), declared.sort())

  const indexes = tables.flatMap((table) =>
    getTableConfig(table).indexes.map(({ config }) => `${getTableName(table)}.${config.name}`)
  )
  const realIndexes = await rowsOf(
    connection,
    `SELECT DISTINCT CONCAT(table_name, '.', index_name) AS name FROM information_schema.statistics
      WHERE table_schema = DATABASE() AND index_name <> 'PRIMARY' AND table_name NOT LIKE '\\_\\_%'`
  )
  t.same(
    realIndexes.map(({ name }) => name).sort(),
    [...indexes, 'profiles.ft_prof'].sort(),
    'FULLTEXT is beyond Drizzle'
  )
})

t.test('text compares by the same rules on every engine', async (t) => {
  const collations = await rowsOf(
    connection,
    `SELECT DISTINCT table_collation AS name FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_name NOT LIKE '\\_\\_%'`
  )
  t.same(collations, [{ name: 'utf8mb4_unicode_520_ci' }])
})

t.test('ids, instants and JSON come back as they went in', async (t) => {
  const database = drizzle({ client: connection })
  const id = '0199a3f2-0000-7000-8000-00000000abcd'
  await database.insert(schema.users).values(user(id, 'Ana@Example.com'))
  const [found] = await database.select().from(schema.users).where(eq(schema.users.id, id))
  t.match(found, { id, emailNorm: 'ana@example.com', createdAt: '2026-10-25T00:30:00.125Z', locale: 'es-ES' })
  t.equal(
    await onlyValue(connection, 'SELECT CAST(created_at AS CHAR) FROM users'),
    '2026-10-25 00:30:00.125',
    'in UTC'
  )

  const profile = {
    id,
    displayName: 'Ñúria 🌱',
    private: { notes: ["it's", 'back\\slash'] },
    nextSlotAt: '2026-11-02T09:00:00Z'
  }
  await database
    .insert(schema.profiles)
    .values({ ...profile, createdAt: '2026-10-25T00:30:00Z', updatedAt: '2026-10-25T00:30:00Z' })
  const [row] = await database.select().from(schema.profiles).where(eq(schema.profiles.id, id))
  t.match(row, {
    ...profile,
    online: false,
    inPerson: true,
    ratingAvg: null,
    createdAt: '2026-10-25T00:30:00.000Z'
  })

  await t.rejects(
    database.select().from(schema.users).where(eq(schema.users.id, 'oops')),
    'what is no UUID finds no row by accident'
  )
})

t.test('the database itself refuses what no code may write', async (t) => {
  const [therapist, client, service] = [1, 2, 3].map((n) => `X'0199a3f200007000800000000000000${n}'`)
  const at = "'2026-10-25 08:00:00'"
  await connection.query(
    `INSERT INTO users (id, email, password_hash, role, created_at, updated_at) VALUES (${therapist}, 'eva@example.com', '-', 'therapist', ${at}, ${at})`
  )
  await connection.query(
    `INSERT INTO profiles (id, display_name, created_at, updated_at) VALUES (${therapist}, 'Eva', ${at}, ${at})`
  )
  await connection.query(
    `INSERT INTO clients (id, therapist_id, name, created_at, updated_at) VALUES (${client}, ${therapist}, 'Luis', ${at}, ${at})`
  )

  let made = 10
  const book = (status: string, starts: string, ends: string, blocksFrom = starts, blocksTo = ends) => {
    made += 1
    return connection.query(
      `INSERT INTO bookings (id, therapist_id, client_id, service_id, starts_at, ends_at, blocks_from, blocks_to, time_zone,
                             utc_offset_min, status, price, mode, created_at, updated_at)
       VALUES (X'0199a3f20000700080000000000000${made}', ${therapist}, ${client}, ${service}, '2026-11-02 ${starts}',
               '2026-11-02 ${ends}', '2026-11-02 ${blocksFrom}', '2026-11-02 ${blocksTo}', 'Europe/Madrid', 60, '${status}', 6000, 'online', ${at}, ${at})`
    )
  }
  const check = { message: /CONSTRAINT `ck_\w+` failed|Check constraint 'ck_\w+' is violated/ }
  await t.rejects(book('confirmed', '10:00', '10:00'), check, 'a session that ends as it begins')
  await t.rejects(book('confirmed', '10:00', '11:00', '10:05'), check, 'buffers that do not hold the session')
  await t.rejects(
    book('confirmed', '02:00', '22:00'),
    check,
    'a session longer than an overlap is looked for'
  )
  await book('confirmed', '10:00', '11:00')
  await t.rejects(
    book('pending', '10:00', '10:45'),
    { code: 'ER_DUP_ENTRY' },
    'two live bookings that start at once'
  )
  await book('cancelled', '10:00', '11:00')
  await book('held', '10:00', '11:00')
  t.same(
    await rowsOf(connection, 'SELECT status, blocking FROM bookings ORDER BY id'),
    [
      { status: 'confirmed', blocking: 1 },
      { status: 'cancelled', blocking: 0 },
      { status: 'held', blocking: 1 }
    ],
    'a cancelled one and a hold that may have run out stand beside it'
  )
  await t.rejects(
    connection.query(
      `INSERT INTO users (id, email, password_hash, role, created_at, updated_at) VALUES (${client}, 'EVA@example.com', '-', 'client', ${at}, ${at})`
    ),
    { code: 'ER_DUP_ENTRY' },
    'an address that differs by case alone'
  )
})

/** A column type in the words of both engines: without display widths, charsets and other names of the same. */
function plain(type: string): string {
  return type
    .toLowerCase()
    .replace(/ character set .*/, '')
    .replace(/int\(\d+\)/, 'int')
    .replace('boolean', 'tinyint')
    .replace('longtext', 'json')
    .replaceAll(', ', ',')
}

function user(id: string, email: string) {
  const at = '2026-10-25T02:30:00.125+02:00'
  return { id, email, passwordHash: '-', role: 'therapist', createdAt: at, updatedAt: at } as const
}
