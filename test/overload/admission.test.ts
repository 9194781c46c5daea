import t from 'tap'
import { Admission, Overloaded, type Urgency } from '../../src/overload/admission.ts'
import { AdaptiveLimit } from '../../src/overload/limit.ts'
import { until } from '../until.ts'

/** Work that ends when it is told to. */
function holding(admission: Admission) {
  const held: { name: string; end(): void }[] = []
  const begun: string[] = []
  const ask = (urgency: Urgency, name: string = urgency): Promise<'done' | 'refused'> => {
    const work = () =>
      new Promise<void>((resolve) => {
        begun.push(name)
        held.push({ name, end: resolve })
      })
    return admission
      .run(urgency, work, () => name)
      .then(
        () => 'done',
        (error: unknown) => {
          if (error instanceof Overloaded) return 'refused'
          throw error
        }
      )
  }
  const endAll = () => {
    for (const { end } of held.splice(0)) end()
  }
  const fill = () => Array.from({ length: admission.state.limit }, () => ask('item', 'first'))
  return { ask, begun, endAll, fill }
}

t.test(
  'no more is under way than the limit, and those who come together with it wait their turn',
  async (t) => {
    const admission = new Admission()
    const { ask, endAll } = holding(admission)
    const { limit } = admission.state
    const asked = Array.from({ length: 10 * limit }, () => ask('item'))
    t.same(admission.state, { limit, underWay: limit, waiting: 9 * limit })
    await until('all had their turn', async () => {
      endAll()
      t.ok(admission.state.underWay <= admission.state.limit)
      return admission.state.waiting + admission.state.underWay === 0
    })
    const outcomes = await Promise.all(asked)
    t.ok(outcomes.includes('done'))
    t.same(admission.state.underWay, 0)
  }
)

t.test('writes come before single things, and those before lists', async (t) => {
  const admission = new Admission()
  const { ask, begun, endAll, fill } = holding(admission)
  fill()
  const asked = (['list', 'item', 'write', 'list', 'item', 'write'] as const).map((urgency) => ask(urgency))
  endAll()
  await until('all have begun', () => {
    endAll()
    return admission.state.waiting === 0
  })
  endAll()
  t.same(
    await Promise.all(asked),
    asked.map(() => 'done')
  )
  t.same(
    begun.filter((name) => name !== 'first'),
    ['write', 'write', 'item', 'item', 'list', 'list']
  )
})

t.test('where no more can wait, lists are refused first, then single things, and writes last', async (t) => {
  const admission = new Admission()
  const { ask, endAll, fill } = holding(admission)
  fill()
  const room = 1_024
  const lists = Array.from({ length: room }, () => ask('list'))
  t.equal(await ask('list'), 'refused', 'at once')
  t.equal(admission.state.waiting, room)
  const item = ask('item')
  const write = ask('write')
  t.same(admission.refused, { write: 0, item: 0, list: 3 }, 'each has taken the place of a list')
  t.same(await Promise.all(lists.slice(-2)), ['refused', 'refused'], 'of the newest')
  await until('the urgent ones are done', () => {
    endAll()
    return admission.state.waiting === 0
  })
  endAll()
  t.same(await Promise.all([item, write]), ['done', 'done'])
})

t.test('a queue that stands is cut down, whatever arrives', async () => {
  const admission = new Admission()
  const { ask, fill, endAll } = holding(admission)
  fill()
  const { limit } = admission.state
  const asked: Promise<string>[] = []
  await until('hardly anybody waits any more', () => {
    for (let i = 0; i < 100; i++) asked.push(ask('item'))
    return admission.refused.item > 100 && admission.state.waiting <= limit / 2
  })
  endAll()
  await until('it is over', () => {
    endAll()
    return admission.state.waiting + admission.state.underWay === 0
  })
  await Promise.all(asked)
})

t.test('nobody waits for ever: reads are refused soon, writes are given more time', async (t) => {
  const admission = new Admission()
  const { ask, fill, endAll } = holding(admission)
  const first = fill()
  const [item, write] = [ask('item'), ask('write')]
  t.equal(await item, 'refused')
  t.equal(admission.state.waiting, 1)
  t.equal(await write, 'refused')
  endAll()
  await Promise.all(first)
})

t.test('in a cold process a read waits longer than in a warm one', async (t) => {
  const [cold, warm] = [new Admission(60_000), new Admission()].map(holding)
  if (!cold || !warm) throw new Error('two are needed')
  const first = [...cold.fill(), ...warm.fill()]
  const there = cold.ask('item').then((outcome) => `cold ${outcome}`)
  const here = warm.ask('item').then((outcome) => `warm ${outcome}`)
  t.equal(await Promise.race([there, here]), 'warm refused')
  t.equal(await there, 'cold refused', 'but not for ever')
  for (const { endAll } of [cold, warm]) endAll()
  await Promise.all(first)
})

t.test('what fails gives its place back', async (t) => {
  const admission = new Admission()
  for (let i = 0; i < 200; i++) {
    await t.rejects(
      admission.run('item', () => Promise.reject(new Error('no')), String),
      { message: 'no' }
    )
  }
  t.equal(admission.state.underWay, 0)
})

t.test('the limit finds what a server can do at a time, and follows it', async (t) => {
  const limit = new AdaptiveLimit()
  let now = 0
  /** A server that does `capacity` works at a time in 10 ms each; what is beyond waits. As many are sent as allowed. */
  const serve = (capacity: number, seconds: number, wanted = Infinity): void => {
    for (const end = now + seconds * 1_000; now < end; now += 10) {
      const underWay = Math.min(limit.value, wanted)
      const ms = 10 * Math.max(1, underWay / capacity)
      for (let i = 0; i < 10; i++) limit.ended('read', ms, underWay, now)
    }
  }
  serve(40, 60, 5)
  t.equal(limit.value, 32, 'little work says nothing about it')
  serve(40, 29)
  const atForty = limit.value
  t.ok(atForty > 40 && atForty <= 81, `40 at a time: ${atForty}`)
  serve(15, 25)
  t.ok(limit.value >= 15 && limit.value <= 31, `15 at a time: ${limit.value}`)
  serve(100, 29)
  t.ok(limit.value > 100 && limit.value <= 201, `100 at a time: ${limit.value}`)

  const crowded = new AdaptiveLimit()
  now = 0
  for (; now < 120_000; now += 10) {
    const underWay = crowded.value
    for (let i = 0; i < 10; i++) crowded.ended('read', 10 * Math.max(1, underWay / 20), underWay, now)
  }
  t.ok(crowded.value <= 41, `one that has never seen its server idle: ${crowded.value}`)
})

t.test('each kind of work is compared with its like', async (t) => {
  const limit = new AdaptiveLimit()
  for (let now = 0; now < 20_000; now += 10) {
    // Now mostly quick ones, now mostly slow ones: neither takes longer than at best.
    const slow = now % 2_000 < 1_000 ? 1 : 9
    for (let i = 0; i < 10; i++) {
      const [kind, ms] = i < slow ? (['list', 200] as const) : (['item', 2] as const)
      limit.ended(kind, ms, limit.value, now)
    }
  }
  t.ok(limit.value > 32, `${limit.value}`)
})
