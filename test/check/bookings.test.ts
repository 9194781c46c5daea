// The bookings checker itself: it finds nothing wrong with the service, and finds what is wrong when something is. A short
// run of each; the long ones are `npm run check:bookings`.
import { randomUUIDv7 } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { run } from '../../check/bookings/check.ts'
import { Journal } from '../../check/bookings/client.ts'
import { judge } from '../../check/bookings/judge.ts'
import { Service, tokens } from '../../check/bookings/service.ts'
import { makeWorld } from '../../check/bookings/world.ts'
import { bytesToUuid, uuidToBytes } from '../../db/columns.ts'
import { stream } from '../../db/seed/random.ts'
import { urlsOf } from '../../db/stack/stack.ts'
import { engines } from '../engines.ts'
import { query } from '../statements.ts'

t.test('on real engines and instances', { timeout: 240_000 }, async (t) => {
  const stack = await engines(t, { replicas: 1 })
  const urls = urlsOf(stack)
  const { primaryUrl } = urls
  const spool = await mkdtemp(join(tmpdir(), 'turno-check-test-'))
  t.teardown(() => rm(spool, { recursive: true, force: true }))
  const secret = 'for the tests of this checkout, and nobody else'
  const world = await makeWorld(primaryUrl, 64, await tokens(secret))
  const service = await Service.start(urls, secret, spool, 2)
  t.teardown(() => service.stop())
  const since = new Date()
  const options = {
    primaryUrl,
    service,
    world,
    random: stream('1', 'test'),
    crowd: 64,
    people: 12,
    signal: AbortSignal.timeout(200_000)
  }

  for (const [check, durationMs] of [
    ['crowd', 0],
    ['churn', 1_500],
    ['kills', 3_000]
  ] as const) {
    await t.test(check, async (t) => {
      const [outcome] = await run(check, { ...options, durationMs })
      t.same(outcome?.broken, [], outcome?.seen ?? '')
    })
  }
  t.ok(service.killed > 0, 'somebody was killed')

  await t.test('what is wrong is found', async (t) => {
    const found = (journal = new Journal()) => judge(primaryUrl, since, journal)
    t.same(await found(), [])
    const [row] = await query<RowDataPacket & { id: Buffer }>(
      primaryUrl,
      "SELECT id FROM bookings WHERE created_at >= ? AND status = 'confirmed' LIMIT 1",
      [since.toISOString().slice(0, 23).replace('T', ' ')]
    )
    const id = row?.id ?? Buffer.alloc(16)
    const subject = `booking:${bytesToUuid(id)}`

    const journal = new Journal()
    const acknowledged = { id: randomUUIDv7(), version: 1 }
    journal.note({ status: 201, body: JSON.stringify(acknowledged), ms: 1 })
    t.match(await found(journal), [/1 × acknowledged, and not there so/])

    await query(primaryUrl, 'UPDATE outbox SET subject = CONCAT(subject, "x") WHERE subject = ?', [subject])
    t.match(await found(), [/change without event, or event without change/])
    await query(primaryUrl, 'UPDATE outbox SET subject = ? WHERE subject = ?', [subject, `${subject}x`])

    await query(primaryUrl, 'UPDATE idempotency_keys SET route = "x" WHERE body LIKE ?', [
      `%${bytesToUuid(id)}%`
    ])
    t.match(await found(), [/key without its change, or change without its key/])

    await query(
      primaryUrl,
      `INSERT INTO bookings (id, therapist_id, client_id, service_id, starts_at, ends_at, blocks_from, blocks_to, time_zone,
                             utc_offset_min, status, price, mode, created_at, updated_at)
       SELECT ?, therapist_id, client_id, service_id, starts_at + INTERVAL 1 MINUTE, ends_at, starts_at + INTERVAL 1 MINUTE,
              blocks_to, time_zone, utc_offset_min, status, price, mode, '2026-01-01', updated_at
         FROM bookings WHERE id = ?`,
      [uuidToBytes(randomUUIDv7()), id]
    )
    t.match(await found(), [/1 bookings overlap/, /key/])
  })
})
