// Writes that share a transaction, on real engines: what becomes of each, and what they leave in the cache.
import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { errnoOf } from '../../db/refusal.ts'
import { rowsIn, statement } from '../../db/statements.ts'
import { Content } from '../../src/cache/content.ts'
import { slotsOf } from '../../src/cache/slot.ts'
import type { Outcome } from '../../src/cache/together.ts'
import type { Transaction } from '../../src/cache/transaction.ts'
import { Overloaded } from '../../src/overload/admission.ts'
import { engines } from '../engines.ts'
import { query } from '../statements.ts'
import { undisturbed } from '../undisturbed.ts'
import { until } from '../until.ts'
import { ask, counters, counterView, instance, told } from './instance.ts'

const stack = await engines(t, { scale: 'empty' })
const a = await instance(t, stack.settings)
const b = await instance(t, stack.settings)
await counters.create(a)

let lastId = 0
const fresh = () => ++lastId
const tagOf = (id: number) => `counter:${id}`
const storedValue = async (id: number) =>
  Number((await query(stack.mysql.primary.url, `SELECT value FROM counters WHERE id = ${id}`))[0]?.value ?? 0)

/** Raises each counter by one; refuses those below zero, and fails altogether where one is `spoilt`. */
function raising(batches: number[][], spoilt?: number) {
  return async (transaction: Transaction, ids: readonly number[]): Promise<Outcome<number>[]> => {
    batches.push([...ids])
    const good = ids.filter((id) => id > 0)
    const [, , rows] = await transaction.send([
      statement('INSERT INTO counters (id, value) VALUES ? ON DUPLICATE KEY UPDATE value = value + 1', [
        good.length > 0 ? good.map((id) => [id, 1]) : [[randomInt(2 ** 30, 2 ** 31 - 1), 1]]
      ]),
      spoilt !== undefined && ids.includes(spoilt)
        ? statement('INSERT INTO counters (id, value) VALUES (?, 1)', [spoilt])
        : 'DO 0',
      statement('SELECT id, value FROM counters WHERE id IN (?)', [[...ids]])
    ])
    const values = new Map(rowsIn(rows).map(({ id, value }) => [Number(id), Number(value)]))
    return ids.map((id): Outcome<number> => {
      if (id < 0) return { refused: new RangeError(`${id} is below zero`) }
      const tags = [tagOf(id)]
      transaction.touch(...tags)
      return { result: values.get(id) ?? 0, tags }
    })
  }
}

t.test('writes that are asked for at once are one transaction, and each is told its own', async (t) => {
  const batches: number[][] = []
  const raise = a.cache.together(String, raising(batches))
  const ids = Array.from({ length: 20 }, fresh)
  const written = await Promise.all(ids.map(raise))
  t.same(batches, [ids])
  t.same(
    written.map(({ result }) => result),
    ids.map(() => 1)
  )
  t.same(
    written.map(({ stamp }) => stamp.slots),
    ids.map((id) => slotsOf([tagOf(id)])),
    'the token of each speaks of no other'
  )
})

t.test('while one is under way the others gather, fifty at the most', async (t) => {
  const batches: number[][] = []
  const work = raising(batches)
  const gate = Promise.withResolvers<void>()
  const raise = a.cache.together(String, async (transaction, ids: readonly number[]) => {
    if (batches.length === 0) await gate.promise
    return work(transaction, ids)
  })
  const first = raise(fresh())
  await pause(5)
  const others = Array.from({ length: 70 }, () => raise(fresh()))
  gate.resolve()
  await Promise.all([first, ...others])
  t.same(
    batches.map(({ length }) => length),
    [1, 50, 20]
  )
})

t.test('after a crowd those who come gather, after one alone nobody waits', async (t) => {
  const batches: number[][] = []
  const work = raising(batches)
  const raise = a.cache.together(String, async (transaction, ids: readonly number[]) => {
    // A crowd takes as long as may be gathered afterwards.
    if (ids.length > 1) await pause(10)
    return work(transaction, ids)
  })
  const [one, two, three, four, five] = [fresh(), fresh(), fresh(), fresh(), fresh()]
  await Promise.all([raise(one), raise(two)])
  const third = raise(three)
  await pause(1)
  await Promise.all([third, raise(four)])
  await pause(20)
  await raise(five)
  t.same(batches, [[one, two], [three, four], [five]])

  batches.length = 0
  const [alone, next, last] = [fresh(), fresh(), fresh()]
  await raise(alone)
  const begun = raise(next)
  await pause(1)
  await Promise.all([begun, raise(last)])
  t.same(batches, [[alone], [next], [last]])
})

t.test('of one thing there is but one change in a transaction', async (t) => {
  const batches: number[][] = []
  const raise = a.cache.together(String, raising(batches))
  const id = fresh()
  const written = await Promise.all([raise(id), raise(id), raise(id)])
  t.same(batches, [[id], [id], [id]])
  t.same(
    written.map(({ result }) => result),
    [1, 2, 3]
  )
})

t.test('what is refused about one changes nothing for the others, and touches nothing', async (t) => {
  const raise = a.cache.together(String, raising([]))
  const [id, other] = [fresh(), fresh()]
  const outcomes = await Promise.allSettled([raise(id), raise(-other), raise(other)])
  t.match(outcomes, [{ status: 'fulfilled' }, { reason: RangeError }, { status: 'fulfilled' }])
  t.same([await storedValue(id), await storedValue(other)], [1, 1])
})

t.test('one that the database refuses is found, and the others are done once each', async (t) => {
  const batches: number[][] = []
  const ids = Array.from({ length: 9 }, fresh)
  const spoilt = ids[4] ?? 0
  const raise = a.cache.together(String, raising(batches, spoilt))
  const outcomes = await Promise.allSettled(ids.map(raise))
  t.same(
    outcomes.map(({ status }) => status),
    ids.map((id) => (id === spoilt ? 'rejected' : 'fulfilled'))
  )
  const refusal = outcomes.find((outcome) => outcome.status === 'rejected')
  t.equal(errnoOf(refusal?.reason), 1062, 'with what the database has said')
  t.same(
    await Promise.all(ids.map(storedValue)),
    ids.map((id) => Number(id !== spoilt))
  )
  t.ok(batches.length <= 9, 'by halves, not one by one')
})

t.test('more than can wait are sent away at once, and the others are done', async (t) => {
  const raise = a.cache.together(String, raising([]))
  const ids = Array.from({ length: 1_100 }, fresh)
  const outcomes = await Promise.allSettled(ids.map(raise))
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  t.ok(refused.length >= 1_100 - 1_024)
  t.ok(refused.every((reason) => reason instanceof Overloaded))
  const done = await Promise.all(ids.slice(0, 50).map(storedValue))
  t.same(
    done,
    done.map(() => 1)
  )
})

/** Raises a counter and keeps what it is then. */
const keeping = (cache: typeof a.cache, id: number) =>
  cache.write(async (transaction) => {
    const [, rows] = await transaction.send([
      statement('INSERT INTO counters (id, value) VALUES (?, 1) ON DUPLICATE KEY UPDATE value = value + 1', [
        id
      ]),
      statement('SELECT value FROM counters WHERE id = ?', [id])
    ])
    const value = Number(rowsIn(rows)[0]?.value)
    transaction.touch(tagOf(id))
    transaction.keep(counterView, String(id), { id }, Content.of(String(value), `v${value}`))
  })

t.test('what a writer has made nobody loads: it is at hand for him, and in Redis for the others', (t) =>
  undisturbed(t, async () => {
    const id = fresh()
    // Somebody has read it, so Redis knows its slot.
    await counters.raise(a, id)
    await until('it is everywhere', async () => told(await ask(b, id)) === 1)
    const before = [a, b].map(({ cache }) => cache.counters.of(counterView.name).loads)
    await keeping(a.cache, id)
    const own = await ask(a, id)
    t.match(own, { layer: 'l1' })
    t.equal(told(own), 2)
    await until('the other has heard', () => b.cache.hit(counterView, String(id), { id }) === undefined)
    const others = await ask(b, id)
    if (others.layer !== 'redis') throw new Error(`from ${others.layer}`)
    t.equal(told(others), 2)
    t.same(
      [a, b].map(({ cache }) => cache.counters.of(counterView.name).loads),
      before
    )
  })
)

t.test('what a writer keeps without having touched it is an error, and nothing is written', async (t) => {
  const id = fresh()
  const forgetful = a.cache.write(async (transaction) => {
    await transaction.send([statement('INSERT INTO counters (id, value) VALUES (?, 1)', [id])])
    transaction.keep(counterView, String(id), { id }, Content.of('1', 'v1'))
  })
  await t.rejects(forgetful, /touched/)
  t.equal(await storedValue(id), 0)
})
