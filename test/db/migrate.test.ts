import { readFile } from 'node:fs/promises'
import t from 'tap'
import { migrate, pendingMigrations } from '../../db/migrate.ts'
import { engines } from '../engines.ts'
import { connect, emptyDatabase, onlyValue, rowsOf } from './databases.ts'

const { mysql } = await engines(t, { replicas: 0, scale: 'empty' })
const { url } = mysql.primary
const admin = await connect(t, url)

const folder = new URL('../../db/migrations/', import.meta.url)
const journal: { entries: { tag: string }[] } = JSON.parse(
  await readFile(new URL('meta/_journal.json', folder), 'utf8')
)
const migrations = journal.entries.length

t.test('ten instances that start at once on an empty database migrate it once', async (t) => {
  const database = await emptyDatabase(admin, url, 'at_once')
  const applied = await Promise.all(Array.from({ length: 10 }, () => migrate(database)))
  t.same(applied.sort(), [...Array(9).fill(0), migrations], 'one did all, nine waited and found it done')

  const connection = await connect(t, database)
  t.equal(await onlyValue(connection, 'SELECT COUNT(*) FROM __drizzle_migrations'), migrations)
  t.same(
    await rowsOf(
      connection,
      'SELECT COUNT(*) AS n, MIN(slot) AS low, MAX(slot) AS high, COUNT(untold) AS untold FROM cache_slots'
    ),
    [{ n: 262_144, low: 0, high: 262_143, untold: 0 }]
  )
})

t.test('a migration that was killed half way is finished by the next', async (t) => {
  const database = await emptyDatabase(admin, url, 'half_way')
  const connection = await connect(t, database)
  const statements = (await readFile(new URL('0000_domain_model.sql', folder), 'utf8')).split(
    '--> statement-breakpoint'
  )
  for (const statement of statements.slice(0, 9)) await connection.query(statement)

  t.equal(await migrate(database), migrations)
  t.equal(await onlyValue(connection, 'SELECT COUNT(*) FROM cache_slots'), 262_144)
})

t.test('an instance is told how far the schema is behind it', async (t) => {
  const database = await emptyDatabase(admin, url, 'behind')
  const connection = await connect(t, database)
  const query = (sql: string) => rowsOf(connection, sql)
  t.equal(await pendingMigrations(query), migrations, 'all of them, where nothing was ever migrated')
  await migrate(database)
  t.equal(await pendingMigrations(query), 0)

  await connection.query(
    "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('of a later release', 9e12)"
  )
  t.equal(await pendingMigrations(query), 0, 'a schema newer than the instance is no reason to stop')
  await connection.query('DELETE FROM __drizzle_migrations')
  t.equal(await pendingMigrations(query), migrations)
})

t.test('a server that refuses is told in one line, with the cause and without the password', async (t) => {
  const wrong = Object.assign(new URL(url), { password: 'open-sesame' }).href
  const error = await migrate(wrong).catch((reason) => reason)
  t.match(error.message, /^cannot migrate turno at 127\.0\.0\.1:\d+: Access denied/)
  t.notMatch(error.message, /sesame|\n/)
  t.match(error.cause, { code: 'ER_ACCESS_DENIED_ERROR' })
  await t.rejects(migrate('mysql//oops'), { message: /is not a URL/ })
})

t.test('a statement that the server refuses is told by its reason, not by its text', async (t) => {
  const database = await emptyDatabase(admin, url, 'in_the_way')
  await admin.query('CREATE TABLE in_the_way.users (id INT PRIMARY KEY)')
  const error = await migrate(database).catch((reason) => reason)
  t.match(error.message, /^cannot migrate in_the_way at \S+: .*profiles.*incorrectly formed/)
  t.notMatch(error.message, /CREATE TABLE|\n/)
})
