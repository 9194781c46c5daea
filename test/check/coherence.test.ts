// The coherence checker itself: it finds nothing in the protocol, and finds what is wrong with designs that are wrong.
// A short run of each; the long ones are `npm run check:coherence`.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { checkCoherence, type Outcome } from '../../check/coherence/check.ts'
import { History } from '../../check/coherence/history.ts'
import type { Subject } from '../../check/coherence/messages.ts'
import { readOptions } from '../../check/coherence/options.ts'
import { patched, sourceOf } from '../../check/coherence/patch.ts'
import { pointPatches, rules } from '../../check/coherence/rules.ts'
import { schedule } from '../../check/coherence/schedule.ts'
import { tableOf } from '../../check/coherence/table.ts'
import { engines } from '../engines.ts'

t.test('every rule that can be removed still has exactly one place in the code', async (t) => {
  for (const { name, patches } of [...rules, { name: 'the points', patches: pointPatches }]) {
    for (const patch of patches) {
      // As in an instance: the points are in place already.
      const points = pointPatches.filter((point) => point !== patch && point.file === patch.file)
      t.doesNotThrow(() => patched(sourceOf(patch), [...points, patch]), name)
    }
  }
})

t.test('the same seed makes the same faults happen', async (t) => {
  const options = { faults: 'all', seed: '7', durationMs: 60_000, instances: 3, replicas: 2 }
  t.same(schedule(options), schedule(options))
  t.notSame(schedule(options).occurrences, schedule({ ...options, seed: '8' }).occurrences)
})

t.test('a read is as late as the first acknowledged change that it lacks', async (t) => {
  const history = new History({
    rows: { firstId: 1, items: 2, lists: 1 },
    phases: [{ name: 'none', faults: [], from: 0, to: 10_000 }],
    startedAt: 0
  })
  const write = (itemValue: number, to: number) =>
    history.write({ kind: 'write', from: to, to, item: 0, itemValue, list: 2, listValue: itemValue })
  const read = (
    value: number,
    from: number,
    more: { key?: number; layer?: 'l1' | 'stale'; written?: number } = {}
  ) =>
    history.read(
      {
        kind: 'read',
        from,
        to: from,
        reader: 1,
        key: 0,
        value,
        layer: 'l1',
        torn: false,
        written: 0,
        ...more
      },
      0,
      'one'
    )
  write(1, 100)
  write(2, 500)
  read(2, 600)
  t.match(history.total, { late50: 0, worstMs: 0, backwards: 0 }, 'the newest')
  read(1, 530)
  t.match(
    history.total,
    { late50: 0, worstMs: 30, backwards: 1 },
    'the one before, and that after the newest'
  )
  read(0, 2_200, { written: 2 })
  t.match(
    history.total,
    { late1000: 1, sticky: 1, worstMs: 2_100, ownUnseen: 1 },
    'late by the first that it lacks'
  )
  read(1, 1_400, { key: 3, layer: 'stale' })
  t.match(
    history.total,
    { late50: 1 },
    'what may be served for a second after a change is not late within it'
  )
  history.stall(600, 1_000)
  read(1, 1_600, { key: 2 })
  t.match(history.examples.at(-1), { lateMs: 1_100, stalledMs: 400 }, 'a stall of the machine is noted')
})

t.test('what cannot be asked for is said in one line', async (t) => {
  for (const [args, line] of [
    [['--faults', 'lag,tsunami'], /^--faults: there is no fault "tsunami"; there are lag, delay,/],
    [['--seconds', 'long'], /^--seconds: "long" is not a whole number from 1 to 86400$/],
    [['--remove', 'gravity'], /^--remove: there is no rule "gravity": use replica-stamp,/],
    [['--design', 'hope'], /^--design: there is no design "hope": use protocol or naive$/],
    [['--sedes', '1'], /^Unknown option '--sedes'; --help lists the options$/]
  ] as const) {
    t.throws(() => readOptions(args), { message: line })
  }
})

t.test('on real engines', async (t) => {
  const stack = await engines(t, { scale: 'empty' })
  const directory = await mkdtemp(join(tmpdir(), 'turno-check-test-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const check = (subject: Subject, faults: string, seconds: number): Promise<Outcome> =>
    checkCoherence({
      stack,
      directory: join(directory, `${subject.design}-${subject.removed}`),
      subject,
      faults,
      seed: '1',
      durationMs: seconds * 1_000,
      instances: 2
    })

  await t.test('the protocol keeps every bound while everything breaks', async (t) => {
    const outcome = await check({ design: 'protocol', removed: null }, 'mixed', 7)
    t.same(outcome.broken, [], tableOf(outcome))
    t.ok(outcome.total.reads > 500 && outcome.total.ownReads > 10, 'it was put to the test')
    t.ok(Object.keys(outcome.injected).length >= 6, 'by many faults')
  })

  await t.test('cache-aside with DEL serves old values under a replica that lags', async (t) => {
    const { total } = await check({ design: 'naive', removed: null }, 'delay', 3)
    t.ok(total.late300 > 0 && total.ownUnseen > 0 && total.backwards > 0)
  })

  await t.test('and so does the protocol that believes any replica', async (t) => {
    const { total } = await check({ design: 'protocol', removed: 'replica-stamp' }, 'delay', 3)
    t.ok(total.late300 > 0 && total.backwards > 0)
  })
})
