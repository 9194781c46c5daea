// The layers of several instances on real engines: who answers, how often the database is asked, and that nothing
// old is told, whatever lags, forgets or dies.
import { deepStrictEqual as same } from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import t from 'tap'
import type { Answer } from '../../src/cache/cache.ts'
import { proofMs } from '../../src/cache/link.ts'
import { engines } from '../engines.ts'
import { countStatements, query } from '../statements.ts'
import { undisturbed } from '../undisturbed.ts'
import { until } from '../until.ts'
import { ask, countedView, counters, counterView, type Instance, instance, told } from './instance.ts'

const stack = await engines(t, { scale: 'empty' })
const a = await instance(t, stack.settings)
const b = await instance(t, stack.settings)
await counters.create(a)
// A replica is asked only once it has shown how far it has come.
for (const { replicas } of [a, b]) {
  await until('the replicas are in rotation', () => replicas.states().every(({ serving }) => serving))
}
const servers = [stack.mysql.primary, ...stack.mysql.replicas].map(({ url }) => url)
const replicaUrls = stack.mysql.replicas.map(({ url }) => url)

let lastId = 0
/** A counter that stands at 1 and that nobody has read yet, known to the replicas. */
async function fresh(): Promise<number> {
  const id = ++lastId
  await counters.raise(a, id)
  for (const url of replicaUrls) {
    await until(
      'the replicas follow',
      async () => (await query(url, `SELECT 1 FROM counters WHERE id = ${id}`)).length === 1
    )
  }
  return id
}

async function manyFresh(count: number): Promise<number[]> {
  const ids = Array.from({ length: count }, () => ++lastId)
  const values = ids.map((id) => `(${id}, 1)`).join()
  await query(stack.mysql.primary.url, `INSERT INTO counters (id, value) VALUES ${values}`)
  for (const url of replicaUrls) {
    await until(
      'the replicas follow',
      async () => (await query(url, `SELECT 1 FROM counters WHERE id = ${lastId}`)).length === 1
    )
  }
  return ids
}

t.test('each layer answers in its turn', (t) =>
  undisturbed(t, async () => {
    const id = await fresh()
    same((await ask(a, id)).layer, 'replica')
    same((await ask(a, id)).layer, 'l1')
    same((await ask(b, id)).layer, 'redis')
    same((await ask(b, id)).layer, 'l1')
  })
)

t.test('200 readers on two instances who miss the same thing cost the fleet one query', (t) =>
  undisturbed(t, async () => {
    const id = await fresh()
    const counted = await countStatements(servers, `%counters WHERE id IN (${id})%`)
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(i % 2 ? a : b, id)))
    same(answers.filter((answer) => told(answer) === 1).length, 200)
    same(await counted(), 1)
  })
)

t.test('what one instance changes is new on the other, though the replicas stand still', async (t) => {
  const id = await fresh()
  await ask(a, id)
  await ask(b, id)
  for (const url of replicaUrls) await query(url, 'STOP SLAVE SQL_THREAD')
  try {
    await counters.raise(a, id)
    await until(
      'the announcement has arrived',
      () => b.cache.hit(counterView, String(id), { id }) === undefined
    )
    const answer = await ask(b, id)
    t.equal(told(answer), 2)
    t.equal(answer.layer, 'primary', 'no replica has seen it')
    t.equal(told(await ask(a, id)), 2)
  } finally {
    for (const url of replicaUrls) await query(url, 'START SLAVE SQL_THREAD')
  }
  for (const { name } of a.replicas.all) {
    await until('the replicas are back', () =>
      a.replicas.states().some((state) => state.name === name && state.serving)
    )
  }
})

t.test('a thing that is not there is remembered as such, until it is made', (t) =>
  undisturbed(t, async () => {
    const id = ++lastId
    same(told(await ask(a, id)), null)
    same((await ask(a, id)).layer, 'l1')
    same((await ask(b, id)).layer, 'redis')
    await counters.raise(b, id)
    same(told(await ask(b, id)), 1)
    await until('the other hears of it', async () => told(await ask(a, id)) === 1)
  })
)

t.test('a writer that dies before it can tell is told of by another', async (t) => {
  const id = await fresh()
  await ask(b, id)
  const explained = await b.cache.explain(counterView.name, String(id))
  const slot = explained?.slots[0]
  // What a writer leaves that is killed right after COMMIT.
  await query(stack.mysql.primary.url, `UPDATE counters SET value = 7 WHERE id = ${id}`)
  await query(
    stack.mysql.primary.url,
    `UPDATE cache_slots SET version = version + 1, untold = 1 WHERE slot = ${slot}`
  )
  await until('somebody tells', async () => told(await ask(b, id)) === 7)
  t.equal(told(await ask(a, id)), 7)
})

t.test('an emptied Redis resurrects nothing', async (t) => {
  const id = await fresh()
  await ask(a, id)
  await ask(b, id)
  await a.redis?.flushall()
  await counters.raise(a, id)
  await until('the other hears of it', async () => told(await ask(b, id)) === 2)
  t.equal(told(await ask(a, id)), 2)
})

t.test(
  'a reader who brings the token of a write sees it, where nobody has been told of it yet',
  async (t) => {
    const mute = await instance(t, stack.settings, { withoutRedis: true })
    const id = await fresh()
    await ask(b, id)
    const { stamp } = await counters.raise(mute, id)
    t.equal(told(await ask(b, id, { written: stamp })), 2)
  }
)

t.test('an instance without Redis tells the truth too, though its replicas stand still', async (t) => {
  const alone = await instance(t, stack.settings, { withoutRedis: true })
  const id = await fresh()
  await ask(alone, id)
  for (const url of replicaUrls) await query(url, 'STOP SLAVE SQL_THREAD')
  try {
    await counters.raise(a, id)
    await until(
      'its last answer is no longer good',
      () => alone.cache.hit(counterView, String(id), { id }) === undefined
    )
    t.equal(told(await ask(alone, id)), 2)
  } finally {
    for (const url of replicaUrls) await query(url, 'START SLAVE SQL_THREAD')
  }
})

t.test(
  'a view with a budget is answered at once after a change, and by nothing older than its budget',
  async (t) => {
    const gate = Promise.withResolvers<void>()
    let first = true
    const view: typeof counterView = {
      ...counterView,
      name: 'budgeted',
      staleBudgetMs: 1_000,
      load: async (database, parameters) => {
        if (!first) await gate.promise
        first = false
        return counterView.load(database, parameters)
      }
    }
    delete view.loadMany
    const id = await fresh()
    await ask(a, id, { view })
    await counters.raise(a, id)
    t.match(
      await ask(a, id, { view }),
      { layer: 'stale', content: { tag: 'v1' } },
      'the value before, at once'
    )
    let oldest = 0
    await until('the budget is used up', () => {
      const answer = a.cache.hit(view, String(id), { id })
      oldest = Math.max(oldest, answer?.ageMs ?? 0)
      return answer === undefined
    })
    t.ok(oldest < view.staleBudgetMs)
    const waiting = ask(a, id, { view })
    gate.resolve()
    t.equal(told(await waiting), 2, 'then one waits like everybody')
  }
)

t.test('a hot entry is fetched anew before it ends, so that nobody waits at its end', (t) =>
  undisturbed(t, async () => {
    const view = { ...counterView, name: 'hot', ttlMs: 3_000 }
    const id = await fresh()
    const { random } = Math
    // The die that says how early: four to five times what the fill took.
    Math.random = () => 0.01
    try {
      await ask(a, id, { view })
      // L1 keeps it for a tenth of its life: three ends are passed.
      const end = performance.now() + 1_000
      while (performance.now() < end) {
        const answer = a.cache.hit(view, String(id), { id })
        // Without a proof nothing is a hit: that is no end.
        if (performance.now() - (a.link?.proof ?? 0) < proofMs) same(answer?.layer, 'l1')
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    } finally {
      Math.random = random
    }
  })
)

t.test('guessed ids reach the database in few queries and push nothing out', async (t) => {
  const small = await instance(t, stack.settings, { l1Bytes: 2 * 1024 * 1024 })
  const hot = await Promise.all(Array.from({ length: 20 }, fresh))
  for (const id of hot) await ask(small, id)
  const guess = () => ask(small, 1_000_000 + randomInt(1_000_000_000))
  const guessFor = async (count: number) => {
    for (let sent = 0; sent < count; sent++) await guess()
  }
  await Promise.all(Array.from({ length: 100 }, () => guessFor(30)))
  const counted = await countStatements(servers, '%counters WHERE id IN%')
  const { askedPrimary } = small.cache.counters.link
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: 10 }, () => guessFor(25)))
  const windows = (performance.now() - startedAt) / 20
  const queries = await counted()
  t.ok(queries <= windows + 2, `${queries} queries, at most one in 20 ms`)
  const asked = small.cache.counters.link.askedPrimary - askedPrimary
  t.ok(asked <= windows + 2, `${asked} questions to the primary, at most one in 20 ms`)
  const known = await Promise.all(hot.map((id) => small.cache.explain(counterView.name, String(id))))
  t.equal(known.filter((found) => found?.l1).length, hot.length, 'what exists is still held')
})

t.test(
  'what others push out of the hot set is answered here still, until it changes or all is forgotten',
  (t) =>
    undisturbed(t, async () => {
      const small = await instance(t, stack.settings, { l1Bytes: 2 * 1024 * 1024 })
      const [first = 0, second = 0, ...others] = await manyFresh(400)
      await ask(small, first)
      await ask(small, second)
      for (const id of others) await ask(small, id)
      same(small.cache.l1.entries, 400)
      same(small.cache.counters.evictions, 0)
      const counted = await countStatements(servers, '%counters WHERE id IN%')
      same((await ask(small, first)).layer, 'l1')
      same((await small.cache.explain(counterView.name, String(second)))?.l1?.fresh, true)
      same(await counted(), 0)
      await counters.raise(a, first)
      await counters.raise(a, second)
      for (const id of [first, second]) {
        await until('it is heard of', async () => {
          const explained = await small.cache.explain(counterView.name, String(id))
          return explained?.l1?.because === 'a newer version is known'
        })
        same(told(await ask(small, id)), 2)
      }
      const shelved = String(others[0])
      same((await small.cache.explain(counterView.name, shelved))?.l1?.tag, 'v1')
      small.cache.forget()
      same((await small.cache.explain(counterView.name, shelved))?.l1, null)
      same(small.cache.l1.entries, 0)
    })
)

/** Guesses go on, ten at a time, until they have been answered without asking anybody. */
async function flood(guessing: Instance): Promise<() => Promise<Answer>> {
  const counted = guessing.cache.counters.of(countedView.name)
  const guess = () => ask(guessing, 1_000_000 + randomInt(1_000_000_000), { view: countedView })
  const before = counted.denied
  await until('what there is has been counted', async () => {
    await Promise.all(Array.from({ length: 10 }, guess))
    return counted.denied > before
  })
  return guess
}

t.test('of a view that can say what there is, guessed ids cost nothing, however many', (t) =>
  undisturbed(t, async () => {
    const guessed = await instance(t, stack.settings)
    const exists = await fresh()
    const guess = await flood(guessed)
    const counted = await countStatements(servers, '%counters WHERE id IN%')
    const asked = guessed.cache.counters.link.askedPrimary
    for (let sent = 0; sent < 5_000; sent += 100) {
      const answers = await Promise.all(Array.from({ length: 100 }, guess))
      same(
        answers.every(({ content }) => content.absent),
        true
      )
    }
    same((await counted()) <= 10, true)
    same(guessed.cache.counters.link.askedPrimary - asked <= 10, true)
    same(guessed.cache.counters.of(countedView.name).censuses, 1)
    same(told(await ask(guessed, exists, { view: countedView })), 1)
    const { denied } = guessed.cache.counters.of(countedView.name)
    guessed.cache.forget()
    await guess()
    same(guessed.cache.counters.of(countedView.name).denied, denied, 'another primary has other keys')
  })
)

t.test('what another makes while ids are guessed is found as soon as its announcement is due', async (t) => {
  const guess = await flood(a)
  const { denied } = a.cache.counters.of(countedView.name)
  let guessing = true
  const guesses = (async () => {
    while (guessing) await guess()
  })()
  let missed = 0
  for (let made = 0; made < 50; made++) {
    const id = ++lastId
    await ask(a, id, { view: countedView })
    await counters.raise(b, id)
    await new Promise((resolve) => setTimeout(resolve, proofMs))
    if (told(await ask(a, id, { view: countedView })) === null) missed++
  }
  guessing = false
  await guesses
  t.equal(missed, 0)
  t.ok(a.cache.counters.of(countedView.name).denied > denied, 'guesses were denied meanwhile')
})

t.test('who brings the token of a write is not denied what it made', async (t) => {
  const mute = await instance(t, stack.settings, { withoutRedis: true })
  await flood(b)
  const id = ++lastId
  const { stamp } = await counters.raise(mute, id)
  t.equal(told(await ask(b, id, { view: countedView, written: stamp })), 1)
})

t.test('operators are told what each layer holds and why', (t) =>
  undisturbed(t, async () => {
    const id = await fresh()
    await ask(a, id)
    const before = await a.cache.explain(counterView.name, String(id))
    same(before?.l1?.fresh, true)
    same(before?.redis?.tag, 'v1')
    same(before?.redis?.versions, before?.primary)
    await counters.raise(a, id)
    const after = await a.cache.explain(counterView.name, String(id))
    same(after?.l1?.because, 'a newer version is known')
    same(await a.cache.explain(counterView.name, 'nobody asked for this'), null)
  })
)
