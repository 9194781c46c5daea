import { mock } from 'node:test'
import t from 'tap'
import { Turns } from '../../src/bookings/turns.ts'
import { Problem } from '../../src/http/problem.ts'

const crowded = new Problem('unavailable', 'Too many are booking here at this moment.')

t.test('three of a line are served at a time, in order; lines do not wait for each other', async (t) => {
  const turns = new Turns()
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
  const begun: number[] = []
  const line = gates.map(({ promise }, i) =>
    turns.take('a', () => {
      begun.push(i)
      return promise
    })
  )
  t.equal(await turns.take('b', async () => 'other line'), 'other line')
  t.same(begun, [0, 1, 2])
  gates[1]?.resolve()
  await line[1]
  t.same(begun, [0, 1, 2, 3])
  for (const { resolve } of gates) resolve()
  await Promise.all(line)
  t.same(begun, [0, 1, 2, 3, 4])
})

t.test('who fails holds up nobody', async (t) => {
  const turns = new Turns()
  const failing = Array.from({ length: 4 }, () =>
    turns.take('a', async () => {
      throw new Error('no')
    })
  )
  const next = turns.take('a', async () => 'yes')
  t.ok((await Promise.allSettled(failing)).every(({ status }) => status === 'rejected'))
  t.equal(await next, 'yes')
})

t.test('who waits too long, or comes to too long a line, is told so', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const turns = new Turns()
  const gate = Promise.withResolvers<void>()
  const served: number[] = []
  const line = Array.from({ length: 1_003 }, (_, i) =>
    turns.take('a', () => gate.promise.then(() => void served.push(i)))
  )
  await t.rejects(
    turns.take('a', async () => {}),
    crowded
  )
  const waited = Promise.allSettled(line.slice(3))
  mock.timers.tick(15_001)
  t.ok((await waited).every(({ status }) => status === 'rejected'))
  gate.resolve()
  await Promise.all(line.slice(0, 3))
  t.same(served, [0, 1, 2])
  t.equal(await turns.take('a', async () => 'again'), 'again')
})
