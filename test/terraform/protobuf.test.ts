import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import {
  bytesOf,
  decodeMessage,
  encodeMessage,
  type Field,
  textOf
} from '../../terraform/testing/protobuf.ts'

const field: fc.Arbitrary<Field> = fc.tuple(
  fc.integer({ min: 1, max: 2 ** 29 - 1 }),
  fc.oneof(fc.maxSafeNat(), fc.string({ unit: 'binary' }), fc.uint8Array(), fc.boolean())
)

t.test('what is written is read again: every field, in the order of its number', async () => {
  fc.assert(
    fc.property(fc.array(field), (fields) => {
      const read = decodeMessage(encodeMessage(fields))
      const expected = new Map<number, (number | Buffer)[]>()
      for (const [number, value] of fields) {
        const plain =
          typeof value === 'string' || value instanceof Uint8Array ? Buffer.from(value) : Number(value)
        expected.set(number, [...(expected.get(number) ?? []), plain])
      }
      return isDeepStrictEqual(read, expected)
    })
  )
})

t.test("the specification's own examples are written as it has them", async (t) => {
  t.equal(encodeMessage([[1, 150]]).toString('hex'), '089601')
  t.equal(encodeMessage([[2, 'testing']]).toString('hex'), '120774657374696e67')
  t.equal(encodeMessage([[3, encodeMessage([[1, 150]])]]).toString('hex'), '1a03089601')
})

t.test('of a field that came twice the last one counts, and one that did not come is empty', async (t) => {
  const fields = decodeMessage(
    encodeMessage([
      [1, 'first'],
      [1, 'last']
    ])
  )
  t.equal(textOf(fields, 1), 'last')
  t.equal(textOf(fields, 2), '')
  t.equal(bytesOf(fields, 2), undefined)
})

t.test('fields of a fixed width are skipped, not misread', async (t) => {
  const fields = decodeMessage(Buffer.from(`09${'00'.repeat(8)}15${'00'.repeat(4)}1805`, 'hex'))
  t.same(fields.get(3), [5])
})

t.test('a message that ends early, or holds what protobuf dropped long ago, is refused', async (t) => {
  for (const hex of ['08', '0896', '1207746573', '0b', `08${'ff'.repeat(9)}01`]) {
    t.throws(() => decodeMessage(Buffer.from(hex, 'hex')), RangeError)
  }
})
