// The set that says no only where it is certain.
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { KeyFilter } from '../../src/cache/key-filter.ts'

t.test('it has every key that was added, and hardly one that was not', async (t) => {
  const keys = new KeyFilter()
  const added = Array.from({ length: 200_000 }, () => randomUUID())
  for (const key of added) keys.add(key)
  t.ok(added.every((key) => keys.mayHave(key)))
  const strangers = Array.from({ length: 200_000 }, () => randomUUID())
  const taken = strangers.filter((key) => keys.mayHave(key)).length
  t.ok(taken < 20, `${taken} of 200,000 strangers pass`)
  t.notOk(keys.mayHave(''))
})

t.test('keys that differ in one letter are told apart, in each set by another draw', async (t) => {
  const keys = new KeyFilter()
  const other = new KeyFilter()
  for (let i = 0; i < 100_000; i += 2) {
    keys.add(`id-${i}`)
    other.add(`id-${i}`)
  }
  const odd = Array.from({ length: 50_000 }, (_, i) => `id-${2 * i + 1}`)
  t.ok(odd.filter((key) => keys.mayHave(key)).length < 20)
  t.ok(odd.filter((key) => other.mayHave(key)).length < 20)
})
