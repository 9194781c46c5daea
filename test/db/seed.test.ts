import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import holidays from '../../db/holidays.es.json' with { type: 'json' }
import { migrate } from '../../db/migrate.ts'
import digests from '../../db/seed/digests.json' with { type: 'json' }
import { known } from '../../db/seed/known.ts'
import { type Scale, seed } from '../../db/seed/seed.ts'
import { engines } from '../engines.ts'
import { connect, emptyDatabase, onlyValue, rowsOf } from './databases.ts'

const { mysql } = await engines(t, { replicas: 0, scale: 'tiny' })
const { url } = mysql.primary
const connection = await connect(t, url)

t.test('the data sets are those committed, whatever zone the machine is in', async (t) => {
  const digestIn = async (zone: string, scale: Scale) => {
    const program = `import { digestOf } from './db/seed/seed.ts'; console.log(JSON.stringify(digestOf('${scale}')))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, TZ: zone },
      timeout: 120_000
    })
    return JSON.parse(stdout)
  }
  t.same(await digestIn('UTC', 'tiny'), digests.tiny)
  t.same(await digestIn('Pacific/Auckland', 'tiny'), digests.tiny)
  t.same(await digestIn('America/St_Johns', 'seed'), digests.seed)
  t.match(digests.seed.rows, { users: 10_000, profiles: 500, bookings: 100_000, payments: 50_000 })
})

t.test('every row of the data set is in the database', async (t) => {
  const { bookings, clients, payments, users } = digests.tiny.rows
  t.same(
    await rowsOf(
      connection,
      `SELECT (SELECT COUNT(*) FROM bookings) AS bookings, (SELECT COUNT(*) FROM clients) AS clients,
              (SELECT COUNT(*) FROM payments) AS payments, (SELECT COUNT(*) FROM users) AS users`
    ),
    [{ bookings, clients, payments, users }]
  )
})

t.test('no two sessions of a therapist overlap, pauses included', async (t) => {
  const overlaps = await rowsOf(
    connection,
    `SELECT HEX(a.id) FROM bookings a JOIN bookings b
        ON b.therapist_id = a.therapist_id AND b.blocking = 1 AND b.id <> a.id
       AND b.blocks_from < a.blocks_to AND b.blocks_to > a.blocks_from
      WHERE a.blocking = 1`
  )
  t.same(overlaps, [])
})

t.test('ratings are those of the published reviews', async (t) => {
  const wrong = await rowsOf(
    connection,
    `SELECT p.display_name, p.rating_avg, p.rating_count, r.average, r.n FROM profiles p
       LEFT JOIN (SELECT therapist_id, ROUND(AVG(rating), 2) AS average, COUNT(*) AS n FROM reviews
                   WHERE status = 'published' GROUP BY therapist_id) r ON r.therapist_id = p.id
      WHERE p.rating_count <> COALESCE(r.n, 0) OR NOT (p.rating_avg <=> r.average)`
  )
  t.same(wrong, [])
  t.ok(
    Number(await onlyValue(connection, 'SELECT SUM(rating_count) FROM profiles')) > 50,
    'and there are some'
  )
})

t.test('a history is in order: nobody books before they come, or reviews what has not been', async (t) => {
  t.equal(
    await onlyValue(
      connection,
      `SELECT COUNT(*) FROM bookings b JOIN clients c ON c.id = b.client_id JOIN profiles p ON p.id = b.therapist_id
        WHERE b.created_at < c.created_at OR b.created_at < p.created_at OR b.created_at > b.starts_at
           OR b.updated_at < b.created_at OR b.created_at > '2026-11-01' OR c.therapist_id <> b.therapist_id`
    ),
    0
  )
  t.equal(
    await onlyValue(
      connection,
      `SELECT COUNT(*) FROM reviews r JOIN bookings b ON b.id = r.booking_id
        WHERE b.status <> 'completed' OR r.created_at < b.ends_at OR r.created_at > b.ends_at + INTERVAL 60 DAY
           OR r.client_id <> b.client_id`
    ),
    0
  )
})

t.test('practices are closed on the holidays of their region, and open by their own clock', async (t) => {
  const sessions = await rowsOf(
    connection,
    `SELECT DATE(starts_at + INTERVAL utc_offset_min MINUTE) AS date, HOUR(starts_at + INTERVAL utc_offset_min MINUTE) AS hour,
            c.holiday_region AS region, b.time_zone AS zone FROM bookings b JOIN calendars c USING (therapist_id)`
  )
  const closed = new Map<string, string[]>(Object.entries(holidays.regions))
  const onHolidays = sessions.filter(
    ({ date, region }) => holidays.national.includes(date) || closed.get(region)?.includes(date)
  )
  t.same(onHolidays, [])
  t.same(
    sessions.filter(({ hour }) => hour < 9 || hour > 20),
    []
  )
  t.same(
    sessions.filter(({ region, zone }) => (region === 'ES-CN') !== (zone === 'Atlantic/Canary')),
    []
  )
})

t.test('nobody real can be reached', async (t) => {
  const addresses = await rowsOf(
    connection,
    'SELECT email FROM users UNION SELECT email FROM clients WHERE email IS NOT NULL'
  )
  t.same(
    addresses.filter(({ email }) => !/^[a-z.]+\d*@example\.com$/.test(email)),
    []
  )
  t.equal(await onlyValue(connection, 'SELECT COUNT(phone) FROM clients'), 0)
})

t.test('the people of the tour are there', async (t) => {
  const id = (uuid: string) => Buffer.from(uuid.replaceAll('-', ''), 'hex')
  t.same(
    await rowsOf(
      connection,
      'SELECT display_name AS name, visibility, rating_count > 0 AS reviewed FROM profiles WHERE id = ?',
      [id(known.therapist.id)]
    ),
    [{ name: 'Lucía Fernández Ortega', visibility: 'public', reviewed: 1 }]
  )
  t.equal(await onlyValue(connection, 'SELECT role FROM users WHERE id = ?', [id(known.admin.id)]), 'admin')
  const therapist = await onlyValue(connection, 'SELECT therapist_id FROM clients WHERE user_id = ?', [
    id(known.client.id)
  ])
  t.same(therapist, id(known.therapist.id))
})

t.test('a second run changes nothing and says so', async (t) => {
  const lines: string[] = []
  await seed(url, 'seed', (line) => lines.push(line))
  t.same(lines, ['the data set "tiny" is there already'])
})

t.test('a load that was cut short is cleared away and done again', async (t) => {
  const database = await emptyDatabase(connection, url, 'cut_short')
  await migrate(database)
  let heard = 0
  const dying = seed(database, 'tiny', () => {
    heard += 1
    if (heard === 2) throw new Error('the power went out')
  })
  await t.rejects(dying, { message: /^cannot seed cut_short at \S+: the power went out$/ })
  const torso = Number(await onlyValue(connection, 'SELECT COUNT(*) FROM cut_short.bookings'))
  t.ok(torso > 0 && torso < digests.tiny.rows.bookings, `${torso} bookings were left`)

  const lines: string[] = []
  await seed(database, 'tiny', (line) => lines.push(line))
  t.match(lines, [/cut short/, /bookings [\d,]+ of 2,000/, /of 2,000/])
  t.equal(lines.at(-1), 'loaded 250 users, 20 therapists, 2,000 bookings, 1,000 payments')
  t.equal(await onlyValue(connection, 'SELECT COUNT(*) FROM cut_short.bookings'), digests.tiny.rows.bookings)
})

t.test('two that start at once load it once', async (t) => {
  const database = await emptyDatabase(connection, url, 'two_at_once')
  await migrate(database)
  await Promise.all([seed(database, 'tiny'), seed(database, 'tiny')])
  t.equal(await onlyValue(connection, 'SELECT COUNT(*) FROM two_at_once.users'), digests.tiny.rows.users)
})

t.test("somebody's rows are never touched, and a schema that is behind is told", async (t) => {
  const database = await emptyDatabase(connection, url, 'in_use')
  await t.rejects(seed(database, 'tiny'), { message: /its schema is behind/ })
  await migrate(database)
  await connection.query(
    `INSERT INTO in_use.users (id, email, password_hash, role, created_at, updated_at)
     VALUES (X'0199a3f2000070008000000000000001', 'eva@example.com', '-', 'client', NOW(), NOW())`
  )
  await t.rejects(seed(database, 'tiny'), {
    message: /^cannot seed in_use at \S+: it holds rows that no seed put there$/
  })
  t.equal(await onlyValue(connection, 'SELECT COUNT(*) FROM in_use.users'), 1)
})
