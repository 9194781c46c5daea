import t from 'tap'
import { parseJson } from '../../src/http/json.ts'
import { thrown } from './thrown.ts'

const parse = (text: string | Buffer) => parseJson(Buffer.from(text))

t.test('a JSON text is what it says', async (t) => {
  for (const value of [
    { name: 'Ana', tags: ['a', { b: [] }], price: 4500.5, ok: true, none: null },
    [],
    'text',
    7,
    { 'a:b,{"': '\\"}' }
  ]) {
    t.same(parse(JSON.stringify(value)), value)
  }
  t.same(parse('{"emoji":"\\ud83d\\ude00"}'), { emoji: '😀' }, 'a whole surrogate pair is a character')
})

const refused: [string, string | Buffer][] = [
  ['nothing', ''],
  ['half an object', '{"a":'],
  ['two texts', '{} {}'],
  ['a byte order mark', '\ufeff{}'],
  ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
  ['half of a surrogate pair', '{"a":"\\ud800"}'],
  ['half of a surrogate pair in a name', '{"\\udc00":1}'],
  ['a number that overflows', '{"price":1e999}'],
  ['one that overflows downwards, deep inside', '{"a":[{"b":-1e999}]}'],
  ['NaN', '{"price":NaN}'],
  ['a NUL character', '{"a":"x\\u0000"}'],
  ['the same name twice', '{"price":1,"price":2}'],
  ['the same name twice in two spellings', '{"a":{"b":1,"\\u0062":2}}'],
  ['a prototype', '{"__proto__":{"admin":true}}'],
  ['a prototype in another spelling', '{"a":[{"\\u005f_proto__":1}]}'],
  ['a constructor', '{"constructor":{"prototype":{"admin":true}}}'],
  ['fifty thousand levels of arrays', '['.repeat(50_000)],
  ['fifty thousand levels of objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
  ['a hundred thousand names', `{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join()}}`],
  ['a hundred thousand elements', `[${'1,'.repeat(100_000)}1]`]
]

for (const [what, body] of refused) {
  t.test(`${what} is refused`, async (t) => {
    t.equal(thrown(() => parse(body)).kind, 'malformed-request')
  })
}

t.test('brackets, colons and commas inside strings count for nothing', async (t) => {
  const text = `${'[{:,'.repeat(3000)}\\"`
  t.same(parse(JSON.stringify({ text })), { text })
})
