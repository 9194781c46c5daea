// What is counted in a flood: when, how often, for how long, and what becomes of it when that fails. Whether it may be
// believed is tried in scheduler.test.ts.
import t, { type Test } from 'tap'
import { Census } from '../../src/cache/census.ts'
import { Counters } from '../../src/cache/events.ts'
import { slotsOf } from '../../src/cache/slot.ts'
import { Clock, settled } from './scheduler/clock.ts'
import { FakeMysql, FakePool } from './scheduler/mysql.ts'

const minute = 60_000
const known = ['1', '2']

/** A census of a view with the keys 1 and 2, on engines that answer at once, in a time of its own. */
function census(
  t: Pick<Test, 'teardown'>,
  pagesOf: () => AsyncGenerator<string[], void> = async function* () {
    yield known
  }
) {
  const clock = new Clock()
  clock.install()
  t.teardown(() => clock.restore())
  const counters = new Counters()
  const link = {
    generation: 1,
    get proof() {
      return clock.now
    },
    isUp: true,
    trusted: () => (link.isUp ? { generation: 1, namespace: '', primary: '' } : null)
  }
  const primaryReads = new FakePool(new FakeMysql([]), 'primary', 'read', 'A', async () => {})
  const taking = { begun: 0 }
  const view = {
    name: 'things',
    everyKey: () => {
      taking.begun++
      return pagesOf()
    }
  }
  const taken = new Census({ link, primaryReads, counters })
  return {
    clock,
    link,
    taking,
    censuses: () => counters.of(view.name).censuses,
    forget: () => taken.forget(),
    denies: (key: string) => taken.denies(view, key, slotsOf([key]), [0]),
    /** Absences that had to be loaded, all at one moment. */
    async guess(count: number) {
      for (let i = 0; i < count; i++) taken.missed(view)
      // A statement a page: some turns until all are read.
      for (let i = 0; i < 50; i++) await settled()
    }
  }
}

t.test('a hundred absences begin a flood; the same spread over a minute do not', async (t) => {
  const { clock, taking, guess, denies } = census(t)
  for (let second = 0; second < 60; second++) {
    await guess(10)
    await clock.pass(1_000)
  }
  t.equal(taking.begun, 0)
  t.notOk(denies('3'))
  await guess(100)
  t.equal(taking.begun, 1)
  t.ok(denies('3'), 'what was not counted is not there')
  t.notOk(known.some(denies))
})

t.test('it is taken once a minute, and only while the flood lasts', async (t) => {
  const { clock, taking, censuses, guess } = census(t)
  await guess(500)
  for (let second = 0; second < 59; second++) {
    await clock.pass(1_000)
    await guess(50)
  }
  t.equal(censuses(), 1)
  await clock.pass(1_000)
  await guess(50)
  t.equal(censuses(), 2)
  await clock.pass(2 * minute)
  await guess(50)
  t.equal(taking.begun, 2, 'half a flood is none')
})

t.test('it is dropped when the flood is over, though nobody asks any more', async (t) => {
  const { clock, guess, denies } = census(t)
  await guess(200)
  await clock.pass(15_000)
  t.ok(denies('3'))
  await clock.pass(26_000)
  t.notOk(denies('3'))
})

t.test('guesses that are denied keep it up', async (t) => {
  const { clock, guess, denies } = census(t)
  await guess(200)
  for (let second = 0; second < 120; second++) {
    await clock.pass(1_000)
    for (let i = 0; i < 20; i++) t.ok(denies('3'))
  }
})

t.test('two are never taken at once', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { clock, taking, guess } = census(t, async function* () {
    await gate.promise
    yield known
  })
  await guess(200)
  await clock.pass(minute)
  await guess(200)
  t.equal(taking.begun, 1)
  gate.resolve()
})

t.test('without Redis none is taken, and none is believed', async (t) => {
  const { link, taking, guess, denies } = census(t)
  link.isUp = false
  await guess(200)
  t.equal(taking.begun, 0)
  link.isUp = true
  await guess(1)
  t.ok(denies('3'))
  link.generation++
  t.notOk(denies('3'))
})

t.test('one that a lost connection has made useless is taken again after ten seconds', async (t) => {
  const { clock, link, taking, guess, denies } = census(t)
  await guess(200)
  link.generation++
  await clock.pass(9_000)
  await guess(200)
  t.equal(taking.begun, 1)
  await clock.pass(1_000)
  await guess(200)
  t.ok(denies('3'))
  await clock.pass(10_000)
  await guess(200)
  t.equal(taking.begun, 2, 'of use for a minute, as any other')
})

t.test('what another primary has is not what was counted', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { clock, guess, denies, forget } = census(t, async function* () {
    await gate.promise
    yield known
  })
  await guess(200)
  forget()
  gate.resolve()
  await settled()
  t.notOk(denies('3'), 'nor what was being counted')
  await clock.pass(minute)
  await guess(200)
  t.ok(denies('3'))
  forget()
  t.notOk(denies('3'))
})

t.test('when it fails, nothing has changed, and it is tried again a minute later', async (t) => {
  let fails = true
  const { clock, guess, denies, taking } = census(t, async function* () {
    if (fails) throw new Error('no keys today')
    yield known
  })
  await guess(200)
  t.notOk(denies('3'))
  fails = false
  await guess(200)
  t.equal(taking.begun, 1)
  await clock.pass(minute)
  await guess(200)
  t.ok(denies('3'))
})

t.test('of more than a million keys nothing is said, for an hour', async (t) => {
  const page = Array.from({ length: 100_000 }, (_, i) => String(i))
  const { clock, guess, denies, taking } = census(t, async function* () {
    for (let i = 0; i < 20; i++) yield page
  })
  await guess(200)
  t.notOk(denies('-1'))
  for (let passed = 0; passed < 59; passed++) {
    await clock.pass(minute)
    await guess(200)
  }
  t.equal(taking.begun, 1)
  await clock.pass(minute)
  await guess(200)
  t.equal(taking.begun, 2)
})

t.test('one that takes too long gives itself up', async (t) => {
  const { clock, guess, denies } = census(t, async function* () {
    for (let i = 0; i < 4; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      yield known
    }
  })
  await guess(200)
  for (let second = 0; second < 25; second++) {
    await clock.pass(1_000)
    await guess(20)
  }
  t.notOk(denies('3'))
})
