// How a query becomes a search: what is one wish has one key, and nothing in it reaches the database as an operator.
import t from 'tap'
import { Problem } from '../../src/http/problem.ts'
import type { ProfileQuery } from '../../src/profiles/schema.ts'
import { keyOf, nameOf, pageOf, queryOf, searchOf } from '../../src/profiles/search.ts'

const page = (query: ProfileQuery) => pageOf(query, () => [4.5, 'an id'])
const key = (query: ProfileQuery) => keyOf(page(query))
const words = (q: string) => searchOf({ q }).words

t.test('two spellings of one wish are one entry of the cache', async (t) => {
  const same: [ProfileQuery, ProfileQuery][] = [
    [{}, { sort: 'rating', limit: 20 }],
    [
      { city: 'València', region: 'ES-VC' },
      { region: ' es-vc', city: '  VALENCIA ' }
    ],
    [{ city: 'Las Palmas de Gran Canaria' }, { city: 'las  palmas\tde gran canaria' }],
    [
      { specialty: 'anxiety', language: 'en' },
      { language: 'EN ', specialty: 'Anxiety' }
    ],
    [{ q: 'terapia pareja' }, { q: ' Pareja — TERAPIA, terapia!' }],
    [{ q: 'psicóloga' }, { q: 'psico\u0301loga' }],
    [{ q: 'terapia de la pareja' }, { q: 'terapia pareja' }],
    [{ minRating: 4.501 }, { minRating: 4.51 }],
    [{ page: 1 }, { page: 1, limit: 20 }]
  ]
  for (const [one, other] of same) t.equal(key(one), key(other), JSON.stringify([one, other]))
})

t.test('two wishes are two', async (t) => {
  const queries: ProfileQuery[] = [
    {},
    { limit: 21 },
    { sort: 'price' },
    { page: 1 },
    { page: 2 },
    { cursor: 'c' },
    { city: 'madrid' },
    { region: 'ES-MD' },
    { q: 'madrid' },
    { q: 'anxiety' },
    { specialty: 'anxiety' },
    { approach: 'anxiety' },
    { mode: 'online' },
    { minPrice: 4 },
    { maxPrice: 4 },
    { minRating: 4 },
    { minRating: 1.1 },
    { minRating: 1.11 }
  ]
  t.equal(new Set(queries.map(key)).size, queries.length)
})

t.test('nobody can read in a key what was searched for', async (t) => {
  const name = key({ q: 'lucía fernández', city: 'valència' })
  t.match(name, /^[\w-]{22}$/)
})

t.test('of a text only words are left', async (t) => {
  t.same(words('+ansiedad -pareja ("terapia breve"@3) >estrés~'), [
    'ansiedad',
    'breve',
    'estres',
    'pareja',
    'terapia'
  ])
  for (const word of words(`*'"+-><()~@%\\;--  tera*pia' OR 1=1 # <script>alert(1)</script>`) ?? []) {
    t.match(word, /^[\p{L}\p{N}_]+$/u)
  }
  t.equal(words('a1 b2 uno dos tres cuatro cinco seis siete ocho nueve')?.length, 6, 'and not too many')
})

t.test('a word that the index does not keep is a beginning, when there is no other', async (t) => {
  t.same(words('terapia de pareja'), ['pareja', 'terapia'])
  t.same(words('the'), ['the'])
  t.same(words('de la'), ['de', 'la'])
  for (const q of ['++', '% _', 'a b c', '¿?']) t.throws(() => words(q), Problem, q)
})

t.test('a range that can hold nothing, and a place told twice, are refused', async (t) => {
  t.throws(() => searchOf({ minPrice: 7000, maxPrice: 6000 }), Problem)
  t.throws(() => page({ cursor: 'c', page: 2 }), Problem)
  t.same(searchOf({ minPrice: 6000, maxPrice: 6000 }).maxPrice, 6000)
})

t.test('the next page is asked for by a query that names the same search', async (t) => {
  const asked = page({ q: 'Terapia, pareja', city: 'A Coruña', minRating: 4.5, sort: 'price', limit: 7 })
  const query = Object.fromEntries(new URLSearchParams(queryOf(asked, 'opaque')))
  const { minRating, limit, ...texts } = query
  const again = pageOf(
    { ...texts, minRating: Number(minRating), limit: Number(limit) } as ProfileQuery,
    (name, cursor) => [name, cursor]
  )
  t.same(again, { search: asked.search, limit: 7, start: { after: [nameOf(asked.search), 'opaque'] } })
})
