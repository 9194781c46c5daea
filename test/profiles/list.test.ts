// Searches on the practices of the seed data set: what they find, in what order, and what they read for it.
import { randomUUID } from 'node:crypto'
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { stream } from '../../db/seed/random.ts'
import { approaches, foreignLanguages, specialties } from '../../db/seed/vocabulary.ts'
import type { Position } from '../../src/http/cursor.ts'
import { findPage, findPublicProfiles, publicIds } from '../../src/profiles/queries.ts'
import type { ProfileQuery } from '../../src/profiles/schema.ts'
import { pageOf, type Sort } from '../../src/profiles/search.ts'
import { type Practice, practices } from './practices.ts'

const folded = (text: string) =>
  text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
const wordsOf = (text: string) => folded(text).match(/[\p{L}\p{N}]+/gu) ?? []

/** Whether a query finds a practice, in the plainest way there is. */
function finds(query: ProfileQuery, practice: Practice): boolean {
  const { q, specialty, language, approach, city, region, mode, minPrice, maxPrice, minRating } = query
  const has = (kind: string, term: string | undefined) =>
    term === undefined || practice.terms.includes(`${kind}:${term}`)
  // The index keeps no word of one or two letters.
  const said = new Set(wordsOf(practice.text).filter((word) => word.length > 2))
  return (
    practice.public &&
    (q === undefined || wordsOf(q).every((word) => [...said].some((one) => one.startsWith(word)))) &&
    has('specialty', specialty) &&
    has('language', language) &&
    has('approach', approach) &&
    (city === undefined || folded(practice.city) === folded(city)) &&
    (region === undefined || practice.region === region) &&
    (mode === undefined || (mode === 'online' ? practice.online : practice.inPerson)) &&
    (minPrice === undefined || (practice.priceFrom !== null && practice.priceFrom >= minPrice)) &&
    (maxPrice === undefined || (practice.priceFrom !== null && practice.priceFrom <= maxPrice)) &&
    (minRating === undefined || (practice.ratingAvg !== null && practice.ratingAvg >= minRating))
  )
}

function keyOf(sort: Sort | undefined, practice: Practice): number | null {
  if (sort === 'price') return practice.priceFrom
  if (sort === 'nextSlot') return practice.nextSlotAt === null ? null : Date.parse(practice.nextSlotAt)
  return practice.ratingAvg === null ? null : -practice.ratingAvg
}

/** The ids that a query should find, in order: by the key, those without one last, then by id. */
function expected(query: ProfileQuery, all: readonly Practice[]): string[] {
  const found = all.filter((practice) => finds(query, practice))
  return found
    .map((practice) => ({ id: practice.id, key: keyOf(query.sort, practice) ?? Number.POSITIVE_INFINITY }))
    .sort((a, b) => (a.key === b.key ? (a.id < b.id ? -1 : 1) : a.key - b.key))
    .map(({ id }) => id)
}

t.test('searches', { timeout: 180_000 }, async (t) => {
  const { connection, database, all } = await practices(t)

  /** One page; `after` is where the page before ended. */
  const pageAfter = (query: ProfileQuery, after: Position | null) => {
    const page = pageOf(query, () => [])
    return findPage(database, after === null ? page : { ...page, start: { after } })
  }

  /** The ids of all pages, walked by cursor. */
  async function walk(query: ProfileQuery): Promise<string[]> {
    const ids: string[] = []
    let after: Position | null = null
    do {
      const { rows, next } = await pageAfter(query, after)
      ids.push(...rows.map(({ id }) => id))
      after = next
    } while (after !== null)
    return ids
  }

  t.test('each filter finds what it says and nothing else', async (t) => {
    const queries: ProfileQuery[] = [
      {},
      { specialty: 'anxiety' },
      { language: 'en' },
      { approach: 'emdr' },
      { city: 'València' },
      { city: 'a coruna' },
      { region: 'ES-CN' },
      { mode: 'online' },
      { mode: 'in_person' },
      { minPrice: 6500 },
      { maxPrice: 5500 },
      { minPrice: 5000, maxPrice: 6000 },
      { minRating: 4.75 },
      { q: 'ansiedad' },
      { q: 'psicologa' },
      { q: 'LUCÍA' },
      { q: 'adolesc' },
      { q: 'terapia pareja' },
      { q: 'zzz' },
      { city: 'Atlantis' },
      { specialty: 'burnout', language: 'ar' }
    ]
    for (const query of queries) {
      t.same(await walk({ ...query, limit: 100 }), expected(query, all), JSON.stringify(query))
    }
  })

  t.test('filters narrow each other, in every order and page size', async (t) => {
    const random = stream('searches of the test', 'profile')
    const maybe = <Value>(value: () => Value) => (random.chance(0.25) ? value() : undefined)
    const some = <Value>(of: readonly Value[]) => random.pick(of)
    let notEmpty = 0
    for (let n = 0; n < 120; n++) {
      const minPrice = maybe(() => random.integer(8, 14) * 500)
      const asked = {
        q: maybe(() =>
          some(['ansiedad', 'pareja', 'psicologo', 'duelo', 'familia', 'años', 'consulta terapia'])
        ),
        specialty: maybe(() => some(specialties)[0]),
        language: maybe(() => some(['es', 'es', ...foreignLanguages.map(([code]) => code)])),
        approach: maybe(() => some(approaches)[0]),
        city: maybe(() => some(['Madrid', 'barcelona', 'sevilla', 'Malaga'])),
        region: maybe(() => some(['ES-MD', 'ES-CT', 'ES-AN', 'ES-GA'])),
        mode: maybe(() => some(['online', 'in_person'] as const)),
        minPrice,
        maxPrice: maybe(() => (minPrice ?? 4000) + random.integer(0, 8) * 500),
        minRating: maybe(() => random.integer(300, 500) / 100),
        sort: some(['rating', 'price', 'nextSlot'] as const)
      }
      const query: ProfileQuery = Object.fromEntries(
        Object.entries(asked).filter(([, value]) => value !== undefined)
      )
      const ids = expected(query, all)
      if (ids.length > 0) notEmpty++
      // One row a page where they are few: then every row is once the one that a cursor stands on.
      const limit = ids.length < 15 ? 1 : some([7, 20, 100])
      t.same(await walk({ ...query, limit }), ids, JSON.stringify({ ...query, limit }))
    }
    t.ok(notEmpty > 40, 'and this was not all about nothing')
  })

  t.test('pages by number are the same list, cut', async (t) => {
    for (const sort of ['rating', 'price', 'nextSlot'] as const) {
      const ids = expected({ sort, mode: 'online' }, all)
      for (const page of [1, 2, Math.ceil(ids.length / 30), Math.ceil(ids.length / 30) + 1]) {
        const found = await pageAfter({ sort, mode: 'online', page, limit: 30 }, null)
        t.same(
          found.rows.map(({ id }) => id),
          ids.slice((page - 1) * 30, page * 30),
          `${sort}, page ${page}`
        )
        t.equal(found.total, ids.length)
      }
    }
  })

  t.test('the ids of all public profiles are each of them once, and no private one', async (t) => {
    await connection.query('SET foreign_key_checks = 0')
    await connection.query('START TRANSACTION')
    // More than are read at once, of one price and of none.
    const added = Array.from({ length: 9_000 }, (_, i) => {
      const [visibility, price] = [i % 9 === 0 ? 'private' : 'public', i % 2 === 0 ? 6_000 : null]
      return { id: randomUUID(), visibility, price }
    })
    await connection.query(
      'INSERT INTO profiles (id, visibility, display_name, price_from, created_at, updated_at) VALUES ?',
      [
        added.map(({ id, visibility, price }) => [
          uuidToBytes(id),
          visibility,
          'Ada',
          price,
          '2026-01-01',
          '2026-01-01'
        ])
      ]
    )
    const pages: string[][] = []
    for await (const page of publicIds(database)) pages.push(page)
    await connection.query('ROLLBACK')
    await connection.query('SET foreign_key_checks = 1')
    const shown = [
      ...all.filter((practice) => practice.public),
      ...added.filter(({ visibility }) => visibility === 'public')
    ]
    t.same(pages.flat().sort(), shown.map(({ id }) => id).sort())
    t.ok(pages.length >= 6, `${pages.length} pages`)
  })

  t.test('rows that lack what a list is ordered by come last, also across pages', async (t) => {
    const chosen = all.filter(({ public: shown }) => shown).slice(0, 60)
    const ids = chosen.map(({ id }) => Buffer.from(id.replaceAll('-', ''), 'hex'))
    await connection.query('START TRANSACTION')
    await connection.query(
      'UPDATE profiles SET price_from = NULL, next_slot_at = NULL, rating_avg = NULL WHERE id IN (?)',
      [ids]
    )
    const nameless = new Set(chosen.map(({ id }) => id))
    const changed = all.map((practice) =>
      nameless.has(practice.id)
        ? { ...practice, priceFrom: null, nextSlotAt: null, ratingAvg: null }
        : practice
    )
    for (const sort of ['rating', 'price', 'nextSlot'] as const) {
      const order = expected({ sort }, changed)
      t.same(await walk({ sort, limit: 37 }), order, sort)
      for (const page of [1, 9, 10, 11, 12]) {
        const { rows } = await pageAfter({ sort, page, limit: 37 }, null)
        t.same(
          rows.map(({ id }) => id),
          order.slice((page - 1) * 37, page * 37),
          `${sort}, page ${page}`
        )
      }
    }
    await connection.query('ROLLBACK')
  })

  t.test('a row that changes between two pages harms no other', async (t) => {
    const before = expected({}, all)
    const first = await pageAfter({ limit: 50 }, null)
    const [moved, gone] = [first.rows[10]?.id ?? '', first.rows.at(-1)?.id ?? '']
    const set = (assignment: string, id: string) =>
      connection.query(`UPDATE profiles SET ${assignment} WHERE id = ?`, [
        Buffer.from(id.replaceAll('-', ''), 'hex')
      ])
    await connection.query('START TRANSACTION')
    await set('rating_avg = 1', moved)
    // The very row that the cursor stands on.
    await set("visibility = 'private'", gone)
    const rest: string[] = []
    for (let after = first.next; after !== null; ) {
      const page = await pageAfter({ limit: 50 }, after)
      rest.push(...page.rows.map(({ id }) => id))
      after = page.next
    }
    await connection.query('ROLLBACK')
    t.same(
      rest.filter((id) => id !== moved),
      before.slice(50)
    )
  })

  t.test('text that looks like SQL or like operators is text', async (t) => {
    const texts = [
      `ansiedad" IN BOOLEAN MODE) OR 1=1 -- `,
      `'; DROP TABLE profiles; -- `,
      '+-><()~*"@ ansiedad',
      'ansiedad*****',
      '"ansiedad',
      '((ansiedad',
      '-ansiedad',
      '<script>alert(1)</script>',
      'ansiedad\u0000\u202e😀',
      `${'a'.repeat(80)}`,
      '\\',
      '%%'
    ]
    for (const q of texts) {
      const found = await Promise.resolve()
        .then(() => pageAfter({ q, limit: 100 }, null))
        .catch((error) => error)
      t.match(found.kind ?? 'found', /^(?:found|invalid-parameter)$/, JSON.stringify(q))
    }
    t.same(await walk({ q: '-"ansiedad*' }), await walk({ q: 'ansiedad' }))
  })

  t.test('words too common or too short for the index take nothing from a search', async (t) => {
    const found = await walk({ q: 'terapia pareja' })
    t.ok(found.length > 0)
    t.same(await walk({ q: 'terapia de la pareja' }), found)
    t.same(await walk({ q: 'terapia with pareja' }), found)
    t.same(await walk({ q: 'mé' }), expected({ q: 'me' }, all), 'alone, one is the beginning of others')
  })

  t.test('a page costs two statements, whatever its size, and one more to see who has a term', async (t) => {
    const statements = async (work: () => Promise<unknown>) => (await cost(work)).statements
    for (const limit of [1, 20, 100]) {
      t.equal(await statements(() => pageAfter({ limit }, null)), 2, `${limit} rows`)
    }
    t.equal(await statements(() => pageAfter({ limit: 20, page: 2 }, null)), 3, 'three with the total')
    const several = { specialty: 'anxiety', language: 'es' }
    t.equal(await statements(() => pageAfter(several, null)), 3, 'however many terms')
    const ids = all.filter((practice) => practice.public).map(({ id }) => id)
    t.equal(await statements(() => findPublicProfiles(database, ids.slice(0, 1))), 1, 'one profile')
    t.equal(await statements(() => findPublicProfiles(database, ids.slice(0, 50))), 1, 'fifty profiles')
  })

  t.test('a page reads what it shows and little more', async (t) => {
    const termsOf = new Map(all.map(({ id, terms }) => [id, terms.length + 1]))
    const having = (term: string) => all.filter(({ terms }) => terms.includes(term)).length
    const from = (query: ProfileQuery) => all.filter((practice) => finds(query, practice)).length
    const kinds = ['specialty', 'language', 'approach'] as const
    // The engine looks eight entries ahead in an index; one key is looked for at each end of a range.
    const exact = 20 + 1 + 8 + 4
    const cases: [query: ProfileQuery, most: number][] = [
      [{}, exact],
      [{ sort: 'price' }, exact],
      [{ sort: 'nextSlot' }, exact],
      [{ city: 'madrid' }, exact],
      [{ minPrice: 5000, sort: 'price' }, exact],
      [{ minPrice: 5000, maxPrice: 6000, sort: 'price' }, exact],
      [{ minRating: 4.5 }, exact],
      // What no index has is filtered while walking one: about as many as it takes to find twenty.
      [{ minPrice: 5000, maxPrice: 6000 }, 2 * exact],
      [{ mode: 'online' }, 2 * exact],
      [{ city: 'madrid', sort: 'price' }, 2 * from({ city: 'madrid' }) + exact],
      // From the rarer term: its rows, their profiles, and the other term of each.
      [{ specialty: 'anxiety', language: 'en' }, 5 * having('language:en')],
      [{ specialty: 'burnout', language: 'ar' }, 6 * having('language:ar') + exact],
      [{ language: 'es' }, 2 * exact],
      [{ q: 'ansiedad' }, 6 * from({ q: 'ansiedad' })]
    ]
    for (const [query, most] of cases) {
      for (const place of ['the beginning', 'the middle'] as const) {
        const half = Math.min(100, Math.ceil(expected(query, all).length / 2))
        const middle = place === 'the middle' ? (await pageAfter({ ...query, limit: half }, null)).next : null
        if (place === 'the middle' && middle === null) continue
        let shown: readonly { id: string }[] = []
        const { reads } = await cost(async () => {
          shown = (await pageAfter(query, middle)).rows
        })
        const terms = shown.reduce((sum, { id }) => sum + (termsOf.get(id) ?? 0), 0)
        // What is counted is put down first and read once more.
        const counted = kinds.reduce(
          (sum, kind) => sum + 2 * Math.min(1_001, having(`${kind}:${query[kind]}`)),
          0
        )
        const others = reads - terms - counted
        t.ok(
          others <= most,
          `${JSON.stringify(query)} from ${place}: ${others} of ${most}, besides ${terms} for terms, ${counted} to count`
        )
      }
    }
  })

  t.test('a term that very many have is not looked up for all of them', async (t) => {
    const many = 2_000
    const common = "(SELECT id FROM users WHERE email LIKE 'common%')"
    t.teardown(async () => {
      for (const [table, id] of [
        ['profile_terms', 'profile_id'],
        ['profiles', 'id'],
        ['users', 'id']
      ]) {
        await connection.query(`DELETE FROM ${table} WHERE ${id} IN (SELECT * FROM ${common} AS some)`)
      }
      await connection.query('ANALYZE TABLE profiles, profile_terms')
    })
    await connection.query(
      `INSERT INTO users (id, email, password_hash, role, created_at, updated_at)
       SELECT UNHEX(MD5(seq)), CONCAT('common', seq, '@example.com'), '', 'therapist', NOW(), NOW() FROM seq_1_to_${many}`
    )
    await connection.query(
      `INSERT INTO profiles (id, display_name, headline, city, region, rating_avg, visibility, created_at, updated_at)
       SELECT id, email, email, 'Common', 'ES-MD', 5, 'public', NOW(), NOW() FROM users WHERE email LIKE 'common%'`
    )
    await connection.query(
      `INSERT INTO profile_terms (profile_id, kind, term)
       SELECT id, 'specialty', 'common' FROM users WHERE email LIKE 'common%'`
    )
    await connection.query('ANALYZE TABLE profiles, profile_terms')
    for (const query of [{ specialty: 'common' }, { specialty: 'common', city: 'common' }]) {
      let shown = 0
      const { reads } = await cost(async () => {
        shown = (await pageAfter(query, null)).rows.length
      })
      t.equal(shown, 20)
      // To count up to a thousand takes two thousand reads; to look them all up would take twice that beside.
      t.ok(reads < 3_000, `${JSON.stringify(query)}: ${reads} reads`)
    }
  })

  /**
   * What `work` makes the server read on this connection: rows and index entries, those included that a condition
   * pushed down into the engine passes over, which no other counter shows.
   */
  async function cost(work: () => Promise<unknown>): Promise<{ reads: number; statements: number }> {
    const status = async () => {
      const [rows] = await connection.query<RowDataPacket[]>(
        `SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler\\_read\\_%'
           OR Variable_name IN ('Handler_icp_attempts', 'Handler_icp_match', 'Com_select')`
      )
      const of = (pattern: RegExp) =>
        rows.reduce((sum, row) => sum + (pattern.test(row.Variable_name) ? Number(row.Value) : 0), 0)
      return {
        reads: of(/^Handler_read/) + of(/^Handler_icp_attempts/) - of(/^Handler_icp_match/),
        statements: of(/^Com_select/)
      }
    }
    const before = await status()
    await work()
    const after = await status()
    return { reads: after.reads - before.reads, statements: after.statements - before.statements }
  }
})
