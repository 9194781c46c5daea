import { randomBytes } from 'node:crypto'
import v8 from 'node:v8'
import vm from 'node:vm'
import t from 'tap'
import { Content, ownText } from '../../src/cache/content.ts'
import { Entry } from '../../src/cache/entry.ts'
import { SecondChance } from '../../src/cache/second-chance.ts'
import { Shelf } from '../../src/cache/shelf.ts'
import { representationTag } from '../../src/http/conditional.ts'

v8.setFlagsFromString('--expose-gc')
const collect: () => void = vm.runInNewContext('gc')

function heapBytes(): number {
  for (let i = 0; i < 3; i++) collect()
  return v8.getHeapStatistics().used_heap_size + process.memoryUsage().external
}

const count = 50_000
const bodyBytes = 950

/** As a view makes the one and the cache the other: cut from something and put together. */
function entryOf(i: number): { name: string; entry: Entry } {
  const body = randomBytes(bodyBytes / 2).toString('hex')
  const content = Content.of(body, representationTag(body, i % 10))
  const at = performance.now()
  const moments = { generation: 1, provenAt: at, expiresAt: at + 30_000.5, refreshAt: at + 29_000.5 }
  const entry = new Entry(content, { slots: [i], versions: [i * 1_000] }, moments)
  return { name: ownText(`profile:${body.slice(0, 36)}`), entry }
}

t.test('an entry is counted with what it takes', async (t) => {
  const entries = new SecondChance({ capacity: 2 ** 30, evicted: () => t.fail('there is room') })
  // From the second ten thousand on: the first also pay for code that is compiled meanwhile.
  let before = { bytes: 0, counted: 0 }
  for (let i = 0; i < count; i++) {
    if (i === 10_000) before = { bytes: heapBytes(), counted: entries.bytes }
    const { name, entry } = entryOf(i)
    entries.set(name, entry)
  }
  const each = (heapBytes() - before.bytes) / (count - 10_000)
  const counted = (entries.bytes - before.counted) / (count - 10_000)
  t.equal(entries.size, count)
  t.ok(Math.abs(each - counted) < 60, `${counted} bytes are counted, ${Math.round(each)} are taken`)
})

t.test('on the shelf it leaves nothing in the heap, and all that it takes is counted', async (t) => {
  const shelf = new Shelf(2 ** 27, () => t.fail('there is room'))
  let before = { bytes: 0, counted: 0 }
  for (let i = 0; i < count; i++) {
    if (i === 10_000) before = { bytes: heapBytes(), counted: shelf.bytes }
    const { name, entry } = entryOf(i)
    shelf.put(name, entry)
  }
  const each = (heapBytes() - before.bytes) / (count - 10_000)
  const counted = (shelf.bytes - before.counted) / (count - 10_000)
  t.equal(shelf.entries, count)
  // Less than the least that an object of each would take.
  t.ok(Math.abs(each - counted) < 100, `${Math.round(counted)} bytes counted, ${Math.round(each)} taken`)
})

t.test('an entry is what a hit is answered with, and knows its stamp', async (t) => {
  const moments = { generation: 7, provenAt: 1.5, expiresAt: 3.5, refreshAt: 2.5 }
  const content = Content.of('{}', 'tag')
  const one = new Entry(content, { slots: [5], versions: [9] }, moments)
  t.same({ ...one.hit }.content, content)
  t.match({ ...one.hit }, { layer: 'l1', shared: false, ageMs: 0 })
  t.same(one.stamp, { slots: [5], versions: [9] })
  t.match(one, { slot: 5, version: 9, provenAt: 1.5, expiresAt: 3, refreshAt: 2 })
  const stamp = { slots: [5, 6], versions: [9, 8] }
  t.equal(new Entry(content, stamp, moments).stamp, stamp)
  t.equal(new Entry(content, stamp, moments).slot, -1)
})
