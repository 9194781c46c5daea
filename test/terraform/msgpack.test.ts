import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { decode, Extension, encode, type Value } from '../../terraform/testing/msgpack.ts'

const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.integer({ min: -128, max: 127 }), fc.uint8Array({ maxLength: 40 }))
    .map(([type, data]) => new Extension(type, data))
)

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 20 }),
    fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 20 }).map((items) => new Map(items))
  )
}))

t.test('what is written is read again, whatever it is', async () => {
  fc.assert(fc.property(value, (one) => isDeepStrictEqual(decode(encode(one)), one)))
})

t.test('long texts, lists and objects are read again', async (t) => {
  for (const length of [31, 32, 255, 256, 65_535, 65_536]) {
    const items = Array.from({ length }, (_, place) => place)
    const text = 'x'.repeat(length)
    const object = new Map(items.map((place) => [String(place), place]))
    t.equal(decode(encode(text)), text)
    t.same(decode(encode(items)), items)
    t.same(decode(encode(object)), object)
  }
})

// From the specification: the marker of each form, and the least number that needs it.
const vectors: [Value, string][] = [
  [null, 'c0'],
  [false, 'c2'],
  [true, 'c3'],
  [127, '7f'],
  [128, 'cc80'],
  [256, 'cd0100'],
  [65_536, 'ce00010000'],
  [2 ** 32, 'cf0000000100000000'],
  [-32, 'e0'],
  [-33, 'd0df'],
  [-129, 'd1ff7f'],
  [-32_769, 'd2ffff7fff'],
  [-2_147_483_649, 'd3ffffffff7fffffff'],
  [1.5, 'cb3ff8000000000000'],
  ['a', 'a161'],
  [[1, 'a'], '9201a161'],
  [new Map<string, Value>([['a', null]]), '81a161c0'],
  [Buffer.from([7]), 'c40107'],
  [new Extension(0, Buffer.from([0])), 'd40000'],
  [new Extension(12, Buffer.from('810203', 'hex')), 'c7030c810203']
]

t.test('each form has the bytes that the specification gives it', async (t) => {
  for (const [one, hex] of vectors) {
    t.equal(encode(one).toString('hex'), hex)
    t.strictSame(decode(Buffer.from(hex, 'hex')), one)
  }
})

t.test('forms that we never write are read all the same', async (t) => {
  t.equal(decode(Buffer.from('ca3fc00000', 'hex')), 1.5)
  t.equal(decode(Buffer.from('d30000000000000001', 'hex')), 1)
  t.equal(decode(Buffer.from('db0000000161', 'hex')), 'a')
})

t.test('bytes that end early, or go on, or begin nothing, are refused', async (t) => {
  for (const hex of ['', 'a2', '92', 'c1', 'c0c0', 'd9', '8101c0']) {
    t.throws(() => decode(Buffer.from(hex, 'hex')), RangeError)
  }
})
