import t from 'tap'
import { Content } from '../../src/cache/content.ts'
import { bytesOf, Entry } from '../../src/cache/entry.ts'
import { SecondChance } from '../../src/cache/second-chance.ts'

const moments = { generation: 1, provenAt: 0, expiresAt: 1, refreshAt: 1 }
const entryOf = (body = 'x') => new Entry(Content.of(body, 'tag'), { slots: [1], versions: [1] }, moments)
const each = bytesOf(entryOf(), 'a')

/** Room for so many entries of one letter. */
function roomFor(count: number, largest = count * each) {
  const gone: string[] = []
  const kept = new SecondChance({ capacity: count * each, largest, evicted: (name) => gone.push(name) })
  return { kept, gone }
}

t.test('who was looked up stays once more, the others go in their order', async (t) => {
  const { kept, gone } = roomFor(3)
  for (const name of ['a', 'b', 'c']) kept.set(name, entryOf())
  kept.get('a')
  kept.peek('b')
  kept.set('d', entryOf())
  t.same(gone, ['b'], 'a peek is no look-up')
  for (const name of ['e', 'f', 'g']) kept.set(name, entryOf())
  t.same(gone, ['b', 'c', 'a', 'd'], 'a mark serves once')
  t.ok(['e', 'f', 'g'].every((name) => kept.peek(name)))
})

t.test('where all were looked up, the first to come goes all the same', async (t) => {
  const { kept, gone } = roomFor(2)
  for (const name of ['a', 'b']) kept.set(name, entryOf())
  for (const name of ['a', 'b']) kept.get(name)
  kept.set('c', entryOf())
  t.same([gone, kept.size, kept.bytes], [['a'], 2, 2 * each])
  t.ok(kept.peek('c'), 'and never the one that has just come')
})

t.test('what is asked for again and again is never pushed out by what is asked for once', async (t) => {
  const { kept, gone } = roomFor(50)
  for (let i = 0; i < 10; i++) kept.set(`h${i}`, entryOf())
  for (let i = 0; i < 5_000; i++) {
    kept.set(`once${i}`, entryOf())
    for (let k = 0; k < 10; k++) kept.get(`h${k}`)
  }
  t.same(
    gone.filter((name) => name.startsWith('h')),
    []
  )
  t.ok(kept.bytes <= 50 * each)
})

t.test(
  'its bytes are those of what it holds, whatever was replaced, taken out, too large or cleared',
  async (t) => {
    const { kept, gone } = roomFor(4, 2 * each)
    const held = () =>
      ['a', 'b', 'c', 'd', 'e'].reduce((sum, name) => {
        const entry = kept.peek(name)
        return sum + (entry ? bytesOf(entry, name) : 0)
      }, 0)
    kept.set('a', entryOf())
    kept.set('a', entryOf('x'.repeat(100)))
    kept.set('b', entryOf())
    t.equal(kept.bytes, held())
    kept.delete('a')
    kept.delete('never there')
    t.same([kept.bytes, kept.size], [each, 1])
    kept.set('b', entryOf('x'.repeat(2 * each)))
    t.same([kept.bytes, kept.size, gone], [0, 0, []], 'the former is not what this name stands for any more')
    for (const name of ['a', 'b', 'c', 'd', 'e']) kept.set(name, entryOf())
    t.same([kept.bytes, gone], [held(), ['a']])
    kept.clear()
    t.same([kept.bytes, kept.size], [0, 0])
    for (const name of ['a', 'b', 'c', 'd', 'e', 'a']) kept.set(name, entryOf())
    t.same([kept.bytes, kept.size, gone], [held(), 4, ['a', 'a', 'b']])
  }
)
