// A user's own events, over a fleet of real instances.
import { randomUUIDv7 } from 'node:crypto'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { known } from '../../db/seed/known.ts'
import { placeEvents } from '../../src/events/order.ts'
import { recordEvent } from '../../src/events/outbox.ts'
import { fleet, type Instance } from '../fleet.ts'
import { runService, serviceUrl } from '../node.ts'
import { countStatements, query } from '../statements.ts'
import { undisturbed } from '../undisturbed.ts'
import { until } from '../until.ts'
import { listen, type Message, type Sse } from './sse.ts'

const lucia: string = known.therapist.id
const someoneElse: string = known.client.id

t.test('events over three instances', { timeout: 200_000 }, async (t) => {
  const {
    engines,
    instances: [a, ...others]
  } = await fleet(t, 3)
  const [b = a, c = a] = others
  const { url } = engines.mysql.primary
  const token = (id = lucia, seconds = 600) => a.app.signToken({ id, role: 'therapist' }, seconds)
  const patch = (instance: Instance, headline: string) =>
    until('the change is taken', async () => {
      const reply = await instance.send(`/api/profile/${lucia}`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${token()}` },
        body: { headline }
      })
      return reply.status === 200
    })
  /** Events that nobody's request has made. */
  const record = async (count: number, recipient = lucia, filling = '') => {
    await query(
      url,
      `INSERT INTO outbox (id, type, subject, data, recipients, created_at) VALUES ${Array.from(
        { length: count },
        () => "(UNHEX(REPLACE(UUID(), '-', '')), 'test.made', 'test:1', ?, ?, UTC_TIMESTAMP(3))"
      ).join(',')}`,
      Array.from({ length: count }, (_, i) => [
        JSON.stringify({ n: i + 1, filling }),
        JSON.stringify([recipient])
      ]).flat()
    )
    a.app.events.tail.committed()
  }
  const numbers = (messages: readonly Message[]) =>
    messages.map(({ data }) => (data as { data: { n?: number } }).data.n)

  t.test('a change on one instance is heard on another within a second, by its owner alone', async (t) => {
    const hers = await listen(b.url, token())
    const his = await listen(b.url, token(someoneElse))
    t.teardown(() => closeAll([hers, his]))
    t.match(hers.headers, {
      'content-type': /^text\/event-stream/,
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'content-encoding': undefined
    })
    await undisturbed(t, async () => {
      hers.messages.length = 0
      await patch(a, `Una ${randomUUIDv7()}`)
      const at = performance.now()
      await until('she hears of it', () => hers.messages.length > 0)
      if (performance.now() - at > 1_000) throw new Error('heard too late')
    })
    t.match(hers.messages, [
      {
        event: 'message',
        data: { type: 'profile.updated', subject: `profile:${lucia}`, data: { changed: ['headline'] } }
      }
    ])
    t.notMatch(JSON.stringify(hers.messages), /Una/, 'what changed is named, not told')
    t.ok(hers.retryMs() >= 1_000)
    const [row] = await query<RowDataPacket & { place: number }>(
      url,
      'SELECT MAX(place) AS place FROM outbox'
    )
    t.equal(hers.messages[0]?.id, String(row?.place))
    t.same(his.messages, [])
  })

  t.test('what is committed late comes late, and is missed by nobody', async (t) => {
    const live = await listen(b.url, token())
    t.teardown(() => live.close())
    const slow = await createConnection(url)
    t.teardown(() => slow.destroy())
    await slow.query('START TRANSACTION')
    const insert = (n: number) =>
      [
        `INSERT INTO outbox (id, type, subject, data, recipients, created_at)
         VALUES (?, 'test.made', 'test:1', ?, ?, UTC_TIMESTAMP(3))`,
        [uuidToBytes(randomUUIDv7()), JSON.stringify({ n }), JSON.stringify([lucia])]
      ] as const
    // It takes the smaller number first, and commits last.
    await slow.query(insert(1)[0], [...insert(1)[1]])
    await query(url, ...insert(2))
    await until('the later one is heard while the earlier one is open', () => live.messages.length === 1)
    t.same(numbers(live.messages), [2])
    const resumed = await listen(c.url, token(), { lastId: live.lastId() })
    t.teardown(() => resumed.close())

    await slow.query('COMMIT')
    for (const stream of [live, resumed])
      await until('and then the earlier one', () => numbers(stream.messages).includes(1))
    t.same(numbers(live.messages), [2, 1])
    t.same(numbers(resumed.messages), [1], 'who resumed behind the later one gets the earlier one')
    const rolledBack = await createConnection(url)
    t.teardown(() => rolledBack.destroy())
    await rolledBack.query('START TRANSACTION')
    await rolledBack.query(insert(3)[0], [...insert(3)[1]])
    await rolledBack.query('ROLLBACK')
    await query(url, ...insert(4))
    await until('a number that never came holds up nothing', () => numbers(live.messages).includes(4))
  })

  t.test('places are given without a gap or a double, however many give them at once', async (t) => {
    await Promise.all(Array.from({ length: 20 }, () => record(30, someoneElse)))
    await Promise.all(
      Array.from({ length: 8 }, () => [a, b, c].map(({ app }) => placeEvents(app.mysql.primary))).flat()
    )
    const [row] = await query<RowDataPacket>(
      url,
      `SELECT COUNT(*) AS events, COUNT(DISTINCT place) AS places, MAX(place) AS last,
              (SELECT place FROM outbox_cursors WHERE name = 'placed') AS head,
              (SELECT COUNT(*) FROM outbox_recipients) AS recipients FROM outbox`
    )
    t.equal(row?.places, row?.events)
    t.equal(row?.last, row?.events)
    t.equal(row?.head, row?.last)
    t.equal(row?.recipients, row?.events, 'and each is in one stream')
    const plan = await query<RowDataPacket>(
      url,
      `EXPLAIN SELECT o.id FROM outbox_recipients AS r JOIN outbox AS o ON o.place = r.place
        WHERE r.user_id = ? AND r.place > 5 AND r.place <= 600 ORDER BY r.place LIMIT 201`,
      [uuidToBytes(lucia)]
    )
    t.match(plan, [
      { table: 'r', type: 'range', key: 'PRIMARY' },
      { table: 'o', type: 'eq_ref', key: 'ux_out_place' }
    ])
    t.notMatch(String(plan[0]?.Extra), /filesort|temporary/, 'one user’s is one range of one index')
  })

  t.test('a reader whose instance dies goes on at another one without a gap or a double', async (t) => {
    const service = runService(t, engines.settings)
    const doomed = await listen(await service.found(serviceUrl), token())
    await record(3)
    await until('the first three are heard', () => doomed.messages.length === 3)
    service.kill('SIGKILL')
    t.equal(await doomed.ended, 'cut')
    await record(150)
    const next = await listen(b.url, token(), { lastId: doomed.lastId() })
    t.teardown(() => next.close())
    await record(4)
    await until('all the others are heard', () => next.messages.length >= 154)
    t.same(numbers(next.messages), [
      ...Array.from({ length: 150 }, (_, i) => i + 1),
      ...Array.from({ length: 4 }, (_, i) => i + 1)
    ])
    t.same(
      next.messages.map(({ id }) => Number(id)),
      next.messages.map(({ id }) => Number(id)).toSorted((one, other) => one - other)
    )
  })

  t.test('who has missed too much, or remembers another history, is told to read anew', async (t) => {
    const before = await listen(b.url, token())
    t.teardown(() => before.close())
    await record(201)
    await until('all are placed', () => before.messages.length === 201)
    for (const lastId of [String(Number(before.lastId()) - 201), '999999999999']) {
      const stream = await listen(b.url, token(), { lastId })
      await until('it is told so', () => stream.messages.length > 0)
      t.same(stream.messages, [{ id: before.lastId(), event: 'reset', data: {} }])
      stream.close()
    }
    const enough = await listen(b.url, token(), { lastId: String(Number(before.lastId()) - 200) })
    await until('200 are told one by one', () => enough.messages.length === 200)
    enough.close()
  })

  t.test('two hundred streams ask no more of the database than one', async (t) => {
    const ids = Array.from({ length: 200 }, () => randomUUIDv7())
    const streams = await Promise.all(ids.map((id) => listen(b.url, token(id))))
    t.teardown(() => closeAll(streams))
    t.ok(streams.every(({ status }) => status === 200))
    const servers = [url, ...engines.mysql.replicas.map((replica) => replica.url)]
    const asked = await countStatements(servers, '%outbox%')
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    const idle = await asked()
    t.ok(idle > 0 && idle <= 30, `${idle} statements of three instances in four seconds`)
    await record(1, ids[7])
    await until('one of them is told', () => streams[7]?.messages.length === 1)
    t.equal(
      streams.reduce((sum, { messages }) => sum + messages.length, 0),
      1
    )
  })

  t.test('a reader that does not read is cut, and the others go on', async (t) => {
    const stuck = await listen(b.url, token(), { paused: true })
    const reading = await listen(b.url, token())
    t.teardown(() => closeAll([stuck, reading]))
    const before = b.app.events.counters.ended.slow
    const filling = 'x'.repeat(20_000)
    // More than the kernel keeps for a reader on this machine.
    for (let batch = 1; batch <= 40 && b.app.events.counters.ended.slow === before; batch++) {
      await record(20, lucia, filling)
      await until('the reader has it', () => reading.messages.length === batch * 20)
    }
    t.equal(b.app.events.counters.ended.slow, before + 1)
    t.ok(reading.messages.length > 0)
  })

  t.test('a stream ends with its token, and no user has more than a few', async (t) => {
    const openedAt = performance.now()
    const short = await listen(b.url, token(lucia, 2))
    t.equal(await short.ended, 'whole')
    // Looking again with each beat would notice too, when a clock that is 30 s behind would have let it pass.
    t.ok(performance.now() - openedAt < 30_000)
    const id = randomUUIDv7()
    const many = await Promise.all(Array.from({ length: 9 }, () => listen(b.url, token(id))))
    t.same(many.map(({ status }) => status).sort(), [...Array(8).fill(200), 429])
    for (const stream of many) stream.close()
    await until('those that left are forgotten', () => b.app.events.counters.open < 3)
    const again = await listen(b.url, token(id))
    t.equal(again.status, 200)
    again.close()
  })

  t.test('without Redis events arrive all the same', async (t) => {
    const stream = await listen(b.url, token())
    t.teardown(() => stream.close())
    await engines.redis.kill()
    await until('the loss is noticed', () => b.app.redis?.status !== 'ready')
    for (const count of [1, 2, 3]) {
      await patch(a, `Sin Redis ${randomUUIDv7()}`)
      await until('it is heard', () => stream.messages.length === count)
    }
    t.match(stream.messages[2], { data: { type: 'profile.updated' } })
  })

  t.test('an instance that leaves ends its streams as a whole, and those go on elsewhere', async (t) => {
    const stream = await listen(b.url, token())
    await until('it is at a place', () => stream.lastId() !== '')
    const closing = b.app.close()
    t.equal(await stream.ended, 'whole')
    await closing
    await record(2)
    const next = await listen(a.url, token(), { lastId: stream.lastId() })
    t.teardown(() => next.close())
    await until('nothing was missed', () => next.messages.length === 2)
    t.same(numbers(next.messages), [1, 2])
  })
})

function closeAll(streams: readonly Sse[]): void {
  for (const stream of streams) stream.close()
}

t.test('an event is bounded', async (t) => {
  const transaction = { atEnd: () => t.fail('nothing is to be written') }
  const event = { type: 'test.made', subject: 'test:1', actorId: null, recipients: [], data: {} } as const
  t.throws(() => recordEvent(transaction, { ...event, data: { text: 'x'.repeat(1_000) } }), RangeError)
  const recipients = Array.from({ length: 33 }, () => randomUUIDv7())
  t.throws(() => recordEvent(transaction, { ...event, recipients }), RangeError)
})
