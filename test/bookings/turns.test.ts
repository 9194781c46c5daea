import { mock } from 'node:test'
import t from 'tap'
import { Turns } from '../../src/bookings/turns.ts'
import { Problem } from '../../src/http/problem.ts'

t.test('in one line one is served at a time, in order; lines do not wait for each other', async (t) => {
  const turns = new Turns()
  const done: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = turns.take('a', () => gate.promise.then(() => void done.push('first')))
  const second = turns.take('a', async () => void done.push('second'))
  await turns.take('b', async () => void done.push('other line'))
  t.same(done, ['other line'])
  gate.resolve()
  await Promise.all([first, second])
  t.same(done, ['other line', 'first', 'second'])
})

t.test('who fails holds up nobody', async (t) => {
  const turns = new Turns()
  const failing = turns.take('a', async () => {
    throw new Error('no')
  })
  const next = turns.take('a', async () => 'yes')
  await t.rejects(failing, { message: 'no' })
  t.equal(await next, 'yes')
})

t.test('who waits too long, or comes to too long a line, is told so', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const turns = new Turns()
  const gate = Promise.withResolvers<void>()
  const served: number[] = []
  const line = Array.from({ length: 1_000 }, (_, i) =>
    turns.take('a', () => gate.promise.then(() => void served.push(i)))
  )
  await t.rejects(
    turns.take('a', async () => {}),
    new Problem('unavailable', 'Too many are booking here at this moment.')
  )
  const waited = Promise.allSettled(line.slice(1))
  mock.timers.tick(10_001)
  t.ok((await waited).every(({ status }) => status === 'rejected'))
  gate.resolve()
  await line[0]
  t.same(served, [0])
  t.equal(await turns.take('a', async () => 'again'), 'again')
})
