// What leaves the hot set lies packed: nothing of it may be lost or changed, and what has lain longest makes room.
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { Content } from '../../src/cache/content.ts'
import { Entry } from '../../src/cache/entry.ts'
import { NameHash } from '../../src/cache/name-hash.ts'
import { parcelOf, Segment } from '../../src/cache/segment.ts'
import { Shelf } from '../../src/cache/shelf.ts'

const moments = { generation: 3, provenAt: 1.25, expiresAt: 9, refreshAt: 8 }

function entryOf(content: Content, change: Partial<typeof moments> = {}, slots = [5]): Entry {
  const versions = slots.map((slot) => slot * 2 ** 40 + 1)
  return new Entry(content, { slots, versions }, { ...moments, ...change })
}

/** All that can be seen of an entry. */
function seen({ content, stamp, slot, version, generation, provenAt, expiresAt, refreshAt }: Entry) {
  const { absent, tag, compressed, bytes } = content
  const body = content.body('identity')
  return {
    absent,
    tag,
    compressed,
    bytes,
    body,
    stamp,
    slot,
    version,
    generation,
    provenAt,
    expiresAt,
    refreshAt
  }
}

/** As a view makes them: the same names of fields, values of its own. */
function answerOf(i: number, textBytes = 400): string {
  const text = Array.from({ length: textBytes / 8 }, () => randomInt(2 ** 32).toString(36)).join(' ')
  return JSON.stringify({
    id: i,
    displayName: `Niño ${i} 心`,
    bio: text,
    online: i % 2 === 0,
    currency: 'EUR'
  })
}

const compressed = Content.of(answerOf(1, 4_000), 'tag')
for (const encoding of ['gzip', 'br'] as const) compressed.body(encoding)

for (const [what, name, entry] of [
  ['an entry', 'profile:1', entryOf(Content.of(answerOf(1), '"tag"'))],
  ['one of several slots', 'list:1', entryOf(Content.of('[]', 'tag'), {}, [7, 262_143, 0])],
  ['one of none', 'list:2', entryOf(Content.of('[]', 'tag'), {}, [])],
  ['one in which Redis had no part', 'profile:2', entryOf(Content.of('{}', 'tag'), { generation: -1 })],
  ['one with some of its encodings made', 'profile:3', entryOf(compressed)],
  ['an absence', 'profile:4', entryOf(Content.absence())],
  ['names and tags of any letters', 'perfil:ñandú 心', entryOf(Content.of('"ñ心"', 'W/"ñ心"'))],
  ['an entry whose name has no view', 'ñ', entryOf(Content.of('1', 'ñ'))]
] as const) {
  t.test(`${what} comes back as it was, once`, async (t) => {
    const shelf = new Shelf(2 ** 20, () => t.fail('there is room'))
    shelf.put('profile:other', entryOf(Content.of('other', 'other')))
    shelf.put(name, entry)
    for (const back of [shelf.peek(name), shelf.take(name)]) t.strictSame(back && seen(back), seen(entry))
    t.equal(shelf.take(name), undefined)
    t.equal(shelf.peek('profile:other')?.content.text, 'other')
  })
}

t.test(
  'whatever is put and taken, what comes back is the newest, and what is missing lay longest',
  async (t) => {
    const doing = fc.record({
      what: fc.constantFrom('put', 'put', 'put', 'take', 'peek', 'give back', 'delete'),
      id: fc.integer({ min: 0, max: 60 }),
      bytes: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 900 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 5_000 }) }
      )
    })
    const capacity = 40_000
    fc.assert(
      fc.property(fc.array(doing, { minLength: 50, maxLength: 600, size: 'max' }), (doings) => {
        let dropped = 0
        const shelf = new Shelf(capacity, () => dropped++)
        // In the order of being put.
        const model = new Map<string, string>()
        for (const [i, { what, id, bytes }] of doings.entries()) {
          const name = `thing:${id}`
          // Asked for, hot for a while, pushed out again.
          const taken = what === 'give back' ? shelf.take(name) : undefined
          if (what === 'put' || taken) {
            const body = taken?.content.text ?? String(i).padEnd(bytes, String(id))
            if (taken && body !== model.get(name)) throw new Error(`${name} is another`)
            if (taken && shelf.peek(name)) throw new Error(`${name} is here while it is hot`)
            if (taken) taken.provenAt = i
            if (taken && bytes > 600) taken.content.body(bytes > 750 ? 'br' : 'gzip')
            model.delete(name)
            const droppedBefore = dropped
            shelf.put(name, taken ?? entryOf(Content.of(body, String(i)), { provenAt: i }))
            const put = shelf.peek(name)
            if (put && put.provenAt !== i) throw new Error(`${name} was proved at ${put.provenAt}`)
            if (put && taken && put.content.bytes !== taken.content.bytes) throw new Error('bytes are lost')
            // The largest do not fit into a segment.
            if (shelf.peek(name)) model.set(name, body)
            else if (body.length < 3_900) throw new Error(`${name} is not there`)
            else if (dropped === droppedBefore) throw new Error('a drop that is not counted')
            // Others may have had to go for it: the oldest of them.
            const lost = [...model.keys()].filter((one) => !shelf.peek(one))
            const oldest = [...model.keys()].slice(0, lost.length)
            if (lost.join() !== oldest.join()) throw new Error(`${lost} went before ${oldest}`)
            for (const one of lost) model.delete(one)
            const expected = lost.length + (model.has(name) ? 0 : 1)
            if (dropped - droppedBefore !== expected) throw new Error(`${dropped} are counted`)
            const held = [...model.values()].reduce((sum, one) => sum + one.length + 100, 0)
            if (lost.length > 0 && held < capacity / 4) throw new Error(`only ${held} bytes are left`)
          } else if (what === 'delete') {
            shelf.delete(name)
            model.delete(name)
          } else {
            const found = what === 'take' ? shelf.take(name) : shelf.peek(name)
            if (found?.content.text !== model.get(name)) throw new Error(`${name} is another`)
            if (what === 'take') model.delete(name)
          }
          if (shelf.bytes > capacity) throw new Error(`${shelf.bytes} bytes are too many`)
          if (shelf.entries !== model.size) throw new Error(`${shelf.entries} entries`)
        }
        shelf.clear()
        if (shelf.entries > 0 || [...model.keys()].some((name) => shelf.peek(name)))
          throw new Error('not cleared')
      }),
      { numRuns: 60, seed: Number(process.env.FC_SEED ?? 20_260_101) }
    )
    t.pass()
  }
)

t.test('where the index grows while the shelf is full, entries make room for it', async (t) => {
  for (let capacity = 20_000; capacity < 200_000; capacity += 7_000) {
    let dropped = 0
    const shelf = new Shelf(capacity, () => dropped++)
    for (let id = 0; id < 3_000; id++) {
      shelf.put(`thing:${id}`, entryOf(Content.of('1', '1')))
      if (shelf.bytes > capacity) return t.fail(`${shelf.bytes} bytes on a shelf of ${capacity}`)
    }
    if (shelf.entries + dropped !== 3_000) return t.fail(`${shelf.entries} are there, ${dropped} went`)
    if (shelf.peek('thing:2999') === undefined) return t.fail('the newest is not there')
  }
})

t.test('a shelf from which much is taken gives its room back', async (t) => {
  const shelf = new Shelf(64 * 2 ** 20, () => t.fail('there is room'))
  const bodies = new Map<string, string>()
  const put = (id: number) => {
    const name = `profile:${id}`
    const body = answerOf(id)
    bodies.delete(name)
    bodies.set(name, body)
    shelf.put(name, entryOf(Content.of(body, 'tag')))
  }
  for (let id = 0; id < 20_000; id++) put(id)
  const full = shelf.bytes
  for (let round = 0; round < 60_000; round++) {
    const id = Math.floor(Math.random() ** 2 * 20_000)
    const back = shelf.take(`profile:${id}`)
    if (back?.content.text !== bodies.get(`profile:${id}`)) return t.fail(`${id} is another`)
    put(id)
  }
  t.ok(shelf.bytes < 1.35 * full, `${shelf.bytes} bytes after changes, ${full} before`)
  for (const [name, body] of bodies) {
    if (shelf.take(name)?.content.text !== body) t.fail(`${name} is another`)
  }
  t.equal(shelf.entries, 0)
  t.ok(shelf.bytes < full / 3, `${shelf.bytes} bytes when all are taken`)
})

t.test('answers of one view take less than half of their bytes, and come back as they were', async (t) => {
  const shelf = new Shelf(64 * 2 ** 20, () => t.fail('there is room'))
  const profile = (i: number, textBytes = 100) => {
    const fields = Array.from({ length: 20 }, (_, field) => [
      `a rather long name of field ${field}`,
      i * field
    ])
    return JSON.stringify({ ...Object.fromEntries(fields), bio: answerOf(i, textBytes) })
  }
  const bodies = Array.from({ length: 5_000 }, (_, i) => profile(i))
  for (const [i, body] of bodies.entries()) shelf.put(`profile:${i}`, entryOf(Content.of(body, 'tag')))
  const bytes = bodies.reduce((sum, body) => sum + Buffer.byteLength(body), 0)
  t.ok(shelf.bytes < bytes / 2, `${shelf.bytes} of ${bytes}`)
  for (const [i, body] of bodies.entries()) {
    if (shelf.take(`profile:${i}`)?.content.text !== body) t.fail(`${i} is another`)
  }
  // What is large is a Buffer, before and after.
  const large = Content.of(profile(1, 9_000), 'tag')
  shelf.put('profile:large', entryOf(large))
  const back = shelf.take('profile:large')?.content.body('identity')
  // Its own: what becomes of the shelf is nothing to it.
  shelf.clear()
  t.ok(Buffer.isBuffer(back) && large.buffer('identity').equals(back))
})

t.test('two names of one hash are told apart', async (t) => {
  const segment = new Segment(1, 4_096)
  const entry = entryOf(Content.of('1', 'tag'))
  for (const name of ['profile:1234', 'perfil:心123']) {
    const at = segment.add(parcelOf(name, 7, entry, null))
    t.ok(segment.isNamed(at, name))
    for (let i = 0; i < name.length; i++) {
      const other = `${name.slice(0, i)}~${name.slice(i + 1)}`
      if (segment.isNamed(at, other)) t.fail(`${other} passes for ${name}`)
    }
    t.notOk(segment.isNamed(at, name.slice(1)))
    t.notOk(segment.isNamed(at, `${name}4`))
  }
})

t.test('names are spread, in each process otherwise', async (t) => {
  const names = Array.from(
    { length: 20_000 },
    (_, i) => `profile:018e0000-0000-7b10-8000-${String(i).padStart(12, '0')}`
  )
  const hash = new NameHash()
  const other = new NameHash()
  const places = (bits: number) => new Set(names.map((name) => hash.of(name) & (2 ** bits - 1))).size
  // Of 2^16 places so many would be taken by chance: 17,200.
  t.ok(Math.abs(places(16) - 17_200) < 300, `${places(16)}`)
  t.ok(names.filter((name) => hash.of(name) === other.of(name)).length < 3)
})
