// Profiles as a client of the API meets them.
import type { InjectOptions } from 'fastify'
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { known } from '../../db/seed/known.ts'
import { buildApp } from '../../src/app.ts'
import { consistencyHeader } from '../../src/http/consistency.ts'
import { engines } from '../engines.ts'
import { countStatements, query } from '../statements.ts'

const lucia = known.therapist.id
const path = `/api/profile/${lucia}`

t.test('profiles over HTTP', { timeout: 120_000 }, async (t) => {
  const { settings, mysql } = await engines(t, { replicas: 1, scale: 'tiny' })
  const { url } = mysql.primary
  const app = await buildApp(settings)
  t.teardown(() => app.close())
  await app.ready()

  const as = (id: string, role: 'client' | 'therapist' | 'admin') => ({
    authorization: `Bearer ${app.signToken({ id, role }, 600)}`
  })
  const her = as(lucia, 'therapist')
  const admin = as(known.admin.id, 'admin')
  const get = (url: string, headers = {}) => app.inject({ url, headers })
  const patch = (url: string, body: object, headers: Record<string, string> = her) =>
    app.inject({ method: 'PATCH', url, headers, payload: body })
  const post = (body: object, headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/api/profiles', headers, payload: body })

  /** What the read after a write must show: on any instance, whatever a list's budget. */
  const after = (write: Awaited<ReturnType<typeof patch>>) => ({
    [consistencyHeader]: String(write.headers[consistencyHeader])
  })
  const privateIds = async () =>
    (
      await query<RowDataPacket & { id: string }>(
        url,
        `SELECT LOWER(CONCAT_WS('-', SUBSTR(HEX(id), 1, 8), SUBSTR(HEX(id), 9, 4), SUBSTR(HEX(id), 13, 4),
                SUBSTR(HEX(id), 17, 4), SUBSTR(HEX(id), 21))) AS id FROM profiles WHERE visibility = 'private'`
      )
    ).map(({ id }) => id)
  /** All bodies of a list, following Link to its end. */
  async function walk(first: string, headers = {}): Promise<string[]> {
    const bodies: string[] = []
    for (let next: string | undefined = first; next !== undefined; ) {
      const reply = await get(next, headers)
      if (reply.statusCode !== 200) throw new Error(`${next}: ${reply.statusCode} ${reply.body}`)
      bodies.push(reply.body)
      next = /^<([^>]+)>; rel="next"$/.exec(String(reply.headers.link ?? ''))?.[1]
    }
    return bodies
  }
  /** A therapist who has no profile yet. */
  let made = 0
  async function newTherapist(role = 'therapist'): Promise<string> {
    const id = `0199a3f2-5c1e-7d4a-9b7e-${String(++made).padStart(12, '0')}`
    await query(
      url,
      `INSERT INTO users (id, email, password_hash, role, created_at, updated_at)
       VALUES (?, ?, '', ?, '2026-11-01', '2026-11-01')`,
      [uuidToBytes(id), `new${made}@example.com`, role]
    )
    return id
  }
  const eventsOf = async (id: string) =>
    (
      await query<RowDataPacket & { type: string; data: string }>(
        url,
        'SELECT type, data FROM outbox WHERE subject = ? ORDER BY seq',
        [`profile:${id}`]
      )
    ).map(({ type, data }) => ({ type, ...(typeof data === 'string' ? JSON.parse(data) : data) }))

  t.test('a list goes on where its Link and its cursor say, with the same filters and fields', async (t) => {
    const whole = (await get('/api/profiles?language=es&limit=100')).json()
    t.ok(whole.data.length > 5)
    t.equal(whole.page.next, null)

    const bodies = (await walk('/api/profiles?language=es&limit=3&fields=id,city')).map((body) =>
      JSON.parse(body)
    )
    t.same(
      bodies.flatMap(({ data }) => data),
      whole.data.map(({ id, city }: { id: string; city: string }) => ({ id, city }))
    )
    const first = await get('/api/profiles?language=es&limit=3')
    t.match(first.headers.link, encodeURIComponent(first.json().page.next))
    const byCursor = await get(`/api/profiles?language=es&limit=3&cursor=${first.json().page.next}`)
    t.same(byCursor.json().data, whole.data.slice(3, 6))

    const numbered = (await get('/api/profiles?language=es&limit=3&page=2')).json()
    t.same(numbered.data, byCursor.json().data)
    t.match(numbered.page, { number: 2, total: whole.data.length })
  })

  t.test('a cursor of one list opens no other, and a forged one none', async (t) => {
    const { next } = (await get('/api/profiles?limit=2')).json().page
    t.equal((await get(`/api/profiles?cursor=${next}`)).statusCode, 200)
    for (const query of [
      `sort=price&cursor=${next}`,
      `mode=online&cursor=${next}`,
      `cursor=${next}A`,
      'cursor=bm8',
      `cursor=${next}&page=2`
    ]) {
      const refused = await get(`/api/profiles?${query}`)
      t.match(refused.json(), { status: 400, type: /invalid-parameter/ }, query)
    }
  })

  t.test('what a list cannot be asked is refused', async (t) => {
    for (const query of [
      'utm_source=x',
      'q=a',
      'q=%2B%2B',
      'city=%20',
      'city=a&city=b',
      'limit=0',
      'limit=101',
      'page=51',
      'page=0',
      'sort=name',
      'mode=both',
      'minPrice=-1',
      'minPrice=70&maxPrice=60',
      'minRating=6',
      'specialty=a_b',
      'region=Madrid',
      'fields=private',
      'fields=id,bio',
      'fields='
    ]) {
      const refused = await get(`/api/profiles?${query}`)
      t.match(refused.json(), { status: 400, type: /invalid-parameter/ }, query)
    }
  })

  t.test('a private profile is nowhere, and nothing private is anywhere', async (t) => {
    const hidden = await privateIds()
    t.ok(hidden.length > 0)
    const lists = await Promise.all(
      [
        '',
        'sort=price',
        'sort=nextSlot',
        'q=psicologo',
        'q=psicologa',
        'language=es',
        'page=1&limit=100'
      ].map((filter) => walk(`/api/profiles?${filter}`))
    )
    const items = await Promise.all([path, `${path}?fields=id,displayName`].map((url) => get(url)))
    const shown = [...lists.flat(), ...items.map(({ body }) => body)].join('\n')
    for (const id of hidden) {
      t.notMatch(shown, id)
      for (const url of [`/api/profile/${id}`, `/api/profiles/${id}`, `/api/profile/${id}?fields=id`]) {
        const absent = await get(url)
        t.match(absent.json(), { status: 404, type: /not-found/ })
        t.equal(absent.headers['content-location'], undefined)
      }
    }
    t.notMatch(shown, /licenceNumber|billingName|DEMO-/)
    t.equal((await get(`${path}?fields=private`)).statusCode, 400)
  })

  t.test('one profile has two paths and one ETag', async (t) => {
    const [one, other] = [await get(path), await get(`/api/profiles/${lucia.toUpperCase()}`)]
    t.equal(one.headers.etag, other.headers.etag)
    t.equal(one.body, other.body)
    t.equal(other.headers['content-location'], path)
    t.match(one.json(), { id: lucia, specialties: ['anxiety', 'burnout', 'self-esteem'], currency: 'EUR' })
    t.ok(one.json().services.length > 0)
    t.equal((await get(path, { 'if-none-match': String(other.headers.etag) })).statusCode, 304)
  })

  t.test('a patch changes what it names, and the next read has it', async (t) => {
    const before = await get(path)
    const old = before.json()
    const written = await patch(path, {
      headline: 'Terapia <b>breve</b> & "honesta"',
      bio: null,
      specialties: ['trauma', 'grief'],
      priceFrom: 7500
    })
    t.equal(written.statusCode, 200)
    const { updatedAt, ...rest } = old
    t.match(written.json(), {
      ...rest,
      headline: 'Terapia <b>breve</b> & "honesta"',
      bio: null,
      specialties: ['grief', 'trauma'],
      priceFrom: 7500,
      version: old.version + 1
    })
    t.ok(written.json().updatedAt > updatedAt)
    t.equal(written.headers['cache-group-invalidation'], `"profile:${lucia}", "profiles"`)
    t.equal(written.headers['content-location'], path)

    const read = await get(path, after(written))
    t.equal(read.body, written.body)
    t.equal(read.headers.etag, written.headers.etag)
    const found = await get('/api/profiles?specialty=trauma&limit=100', after(written))
    t.ok(found.json().data.some(({ id }: { id: string }) => id === lucia))
    t.same((await eventsOf(lucia)).at(-1), {
      type: 'profile.updated',
      version: old.version + 1,
      changed: ['headline', 'bio', 'specialties', 'priceFrom']
    })
  })

  t.test('its answer says the same, written by us or by the framework', async (t) => {
    // What might have to be compressed is left to the framework; this is too small for it.
    const [theirs, ours] = await Promise.all(
      ['gzip', 'identity'].map((encoding) =>
        patch(path, { headline: `Para ${encoding}` }, { ...her, 'accept-encoding': encoding })
      )
    )
    const fields = (reply?: typeof theirs) => {
      const { etag: _, [consistencyHeader]: __, 'x-request-id': ___, ...same } = reply?.headers ?? {}
      return { ...same, 'content-length': '' }
    }
    t.equal(ours?.statusCode, 200)
    t.match(ours?.headers, { 'x-content-type-options': 'nosniff', 'x-request-id': String })
    t.same(Object.keys(ours?.headers ?? {}).sort(), Object.keys(theirs?.headers ?? {}).sort())
    const length = (reply?: typeof theirs) => Number(reply?.headers['content-length'])
    t.equal(length(ours) - length(theirs), 'identity'.length - 'gzip'.length)
    t.same(fields(ours), fields(theirs))
  })

  t.test('a patch that changes nothing is no change', async (t) => {
    const before = await get(path)
    const events = (await eventsOf(lucia)).length
    const { headline, specialties } = before.json()
    const written = await patch(path, { headline, specialties: specialties.toReversed() })
    t.equal(written.headers.etag, before.headers.etag)
    t.equal(written.body, before.body)
    t.equal(written.headers['cache-group-invalidation'], undefined)
    t.equal((await eventsOf(lucia)).length, events)
  })

  t.test('a patch may be sent as a merge patch or as JSON, and as nothing else', async (t) => {
    for (const [type, status] of [
      ['application/merge-patch+json', 200],
      ['application/json', 200],
      ['application/json-patch+json', 415],
      ['text/plain', 415]
    ] as const) {
      const options: InjectOptions = {
        method: 'PATCH',
        url: `/api/profiles/${lucia}`,
        headers: { ...her, 'content-type': type },
        payload: JSON.stringify({ headline: `As ${type}` })
      }
      const reply = await app.inject(options)
      t.equal(reply.statusCode, status, type)
      if (status === 415) t.match(reply.headers['accept-patch'], 'application/merge-patch+json')
    }
  })

  t.test('who has read an older version changes nothing', async (t) => {
    const old = String((await get(path)).headers.etag)
    const first = await patch(path, { city: 'Sagunt' }, { ...her, 'if-match': old })
    t.equal(first.statusCode, 200)
    const second = await patch(path, { city: 'Alzira' }, { ...her, 'if-match': old })
    t.match(second.json(), { status: 412, type: /precondition-failed/, currentVersion: first.json().version })
    t.equal(second.headers.etag, first.headers.etag)
    t.equal((await get(path, after(first))).json().city, 'Sagunt')

    const weak = await patch(path, { city: 'Alzira' }, { ...her, 'if-match': `W/${first.headers.etag}` })
    t.equal(weak.statusCode, 412)
    const compressed = String(first.headers.etag).replace(/"$/, '-br"')
    t.equal((await patch(path, { city: 'Alzira' }, { ...her, 'if-match': compressed })).statusCode, 200)
    t.equal((await patch(path, { city: 'València' }, { ...her, 'if-match': '*' })).statusCode, 200)
  })

  t.test('of ten who change one version at once, one does', async (t) => {
    const etag = String((await get(path)).headers.etag)
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        patch(path, { headline: `Number ${i}` }, { ...her, 'if-match': etag })
      )
    )
    t.same(replies.map(({ statusCode }) => statusCode).sort(), [200, ...Array(9).fill(412)])
  })

  t.test('what is not for its owner to say is refused by name', async (t) => {
    const before = (await get(path)).body
    for (const body of [
      { ratingAvg: 5 },
      { id: known.admin.id },
      { version: 99 },
      { services: [] },
      { currency: 'USD' },
      { headline: 'With another', nextSlotAt: '2026-12-01T09:00:00Z' }
    ]) {
      t.match(
        (await patch(path, body)).json(),
        { status: 422, type: /read-only-field/ },
        JSON.stringify(body)
      )
    }
    for (const body of [
      {},
      { private: { licenceNumber: 'X' } },
      { role: 'admin' },
      { displayName: '  ' },
      { displayName: null },
      { headline: 'two\nlines' },
      { photoUrl: 'javascript:alert(1)' },
      { priceFrom: '60' },
      { priceFrom: -1 },
      { specialties: ['Anxiety'] },
      { specialties: ['a'.repeat(49)] },
      { languages: ['es', 'es'] },
      { region: 'Madrid' }
    ]) {
      t.match((await patch(path, body)).json(), { status: 422, type: /validation/ }, JSON.stringify(body))
    }
    t.equal((await get(path)).body, before)
  })

  t.test('others may not change it, and may not learn of one that they cannot see', async (t) => {
    const other = as(await newTherapist(), 'therapist')
    const [hidden] = await privateIds()
    t.equal((await patch(path, { city: 'X' }, other)).statusCode, 403)
    t.equal((await patch(path, { city: 'X' }, as(lucia, 'therapist'))).statusCode, 200)
    for (const id of [hidden, '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50']) {
      const { status, type, title, detail } = (await patch(`/api/profile/${id}`, { city: 'X' }, other)).json()
      t.same(
        { status, type, title, detail },
        {
          status: 404,
          type: 'https://turno.example/problems/not-found',
          title: 'Not found',
          detail: undefined
        }
      )
    }
    t.equal((await patch(path, { city: 'València' }, admin)).statusCode, 200)
    const mine = await patch(`/api/profile/${hidden}`, { city: 'Oviedo' }, as(String(hidden), 'therapist'))
    t.match(mine.json(), { visibility: 'private', city: 'Oviedo' })
    t.equal(mine.headers['cache-group-invalidation'], `"profile:${hidden}"`, 'no list had it')
    t.equal((await app.inject({ method: 'PATCH', url: path, payload: { city: 'X' } })).statusCode, 401)
  })

  t.test('a profile that its owner hides is gone at once, and back when shown', async (t) => {
    const listed = async (headers: object) =>
      (await walk('/api/profiles?limit=100', headers)).some((body) => body.includes(lucia))
    t.ok(await listed({}))
    const hid = await patch(path, { visibility: 'private' })
    t.match(hid.json(), { visibility: 'private' })
    t.equal((await get(path, after(hid))).statusCode, 404)
    t.notOk(await listed(after(hid)))
    const changed = await patch(path, { headline: 'Sigo oculta' })
    t.equal(changed.json().visibility, 'private', 'a change of something else does not show it')
    const shown = await patch(path, { visibility: 'public' })
    t.equal((await get(path, after(shown))).statusCode, 200)
    t.ok(await listed(after(shown)))
  })

  t.test('a therapist creates a profile once', async (t) => {
    const id = await newTherapist()
    t.equal((await get(`/api/profile/${id}`)).statusCode, 404)
    const body = {
      displayName: 'Nora Vidal Roca',
      city: 'Girona',
      region: 'ES-CT',
      online: true,
      specialties: ['grief', 'adhd'],
      languages: ['ca']
    }
    const created = await post(body, as(id, 'therapist'))
    t.equal(created.statusCode, 201)
    t.equal(created.headers.location, `/api/profile/${id}`)
    t.match(created.json(), {
      ...body,
      id,
      specialties: ['adhd', 'grief'],
      approaches: [],
      services: [],
      ratingAvg: null,
      priceFrom: null,
      visibility: 'public',
      version: 1
    })
    const read = await get(String(created.headers.location), after(created))
    t.equal(read.body, created.body, 'though it was known to be absent')
    t.equal(read.headers.etag, created.headers.etag)
    const found = await get('/api/profiles?city=girona&language=ca', after(created))
    t.ok(found.json().data.some((profile: { id: string }) => profile.id === id))
    t.same(await eventsOf(id), [{ type: 'profile.created', version: 1 }])

    const again = await post(body, as(id, 'therapist'))
    t.match(again.json(), { status: 409, type: /duplicate/ })
    t.equal(again.headers.location, `/api/profile/${id}`)
    t.equal((await eventsOf(id)).length, 1)
  })

  t.test('of ten who create one profile at once, one does', async (t) => {
    const id = await newTherapist()
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => post({ displayName: 'Once' }, as(id, 'therapist')))
    )
    t.same(replies.map(({ statusCode }) => statusCode).sort(), [201, ...Array(9).fill(409)])
    t.equal((await eventsOf(id)).length, 1)
  })

  t.test(
    'what is changed and created at once is done together, and each is answered for itself',
    async (t) => {
      const [first, second, client] = [
        await newTherapist(),
        await newTherapist(),
        await newTherapist('client')
      ]
      const committed = await countStatements([url], '%INSERT INTO cache_slots%COMMIT')
      const etag = String((await get(path)).headers.etag)
      const [one, other, nobody, hers, late] = await Promise.all([
        post({ displayName: 'One' }, as(first, 'therapist')),
        post({ displayName: 'Other', languages: ['es', 'en'] }, as(second, 'therapist')),
        post({ displayName: 'Nobody', userId: client }, admin),
        patch(path, { headline: 'Beside others' }),
        patch(path, { headline: 'Too late' }, { ...her, 'if-match': etag })
      ])
      t.same(
        [one, other, nobody, hers, late].map(({ statusCode }) => statusCode),
        [201, 201, 422, 200, 412]
      )
      // The second change of one profile waits for the first; nobody else does.
      t.equal(await committed(), 1)
      for (const [answer, name, id] of [
        [one, 'One', first],
        [other, 'Other', second]
      ] as const) {
        t.match(answer.json(), { id, displayName: name })
        t.match((await get(`/api/profile/${id}`, after(answer))).json(), answer.json())
        t.equal((await eventsOf(id)).length, 1)
      }
      t.match((await get(path, after(hers))).json(), { headline: 'Beside others' })
      t.same(await eventsOf(client), [])
    }
  )

  t.test('what is changed together is written of each as it was said, and of nobody else', async (t) => {
    const ids = [await newTherapist(), await newTherapist(), await newTherapist(), await newTherapist()]
    for (const id of ids) {
      await post({ displayName: `Of ${id}`, priceFrom: 4_000, bio: 'Once' }, as(id, 'therapist'))
    }
    const said = [
      { headline: "D'Artagnan; \\'", priceFrom: 6_500 },
      { headline: '¿Ψυχή?', priceFrom: null },
      { bio: null, online: true },
      { headline: '', priceFrom: 0 }
    ]
    const committed = await countStatements([url], '%CASE id%INSERT INTO cache_slots%COMMIT')
    const replies = await Promise.all(
      ids.map((id, i) => patch(`/api/profile/${id}`, said[i] ?? {}, as(id, 'therapist')))
    )
    t.same(
      replies.map(({ statusCode }) => statusCode),
      [200, 200, 200, 200]
    )
    t.equal(await committed(), 1)
    const rows = await query(
      url,
      'SELECT display_name, headline, price_from, bio, online, version FROM profiles WHERE id IN (?) ORDER BY id',
      [ids.map(uuidToBytes)]
    )
    const untouched = { headline: '', price_from: 4_000, bio: 'Once', online: 0 }
    t.same(
      rows,
      ids
        .map((id, i) => {
          const { priceFrom, ...others } = { priceFrom: 4_000, ...said[i] }
          const now = { ...untouched, ...others, price_from: priceFrom, version: 2 }
          return { id, row: { ...now, online: Number(now.online), display_name: `Of ${id}` } }
        })
        .sort((one, other) => (one.id < other.id ? -1 : 1))
        .map(({ row }) => row)
    )
  })

  t.test('a profile is its therapist’s own, or made by an administrator', async (t) => {
    const [id, client] = [await newTherapist(), await newTherapist('client')]
    t.equal((await post({ displayName: 'X' }, as(client, 'client'))).statusCode, 403)
    t.equal((await post({ displayName: 'X', userId: id }, her)).statusCode, 403)
    for (const userId of [client, '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50']) {
      const refused = await post({ displayName: 'X', userId }, admin)
      t.match(refused.json(), { status: 422, errors: [{ pointer: '#/userId' }] })
      t.same(await eventsOf(userId), [], 'and nothing is left of it')
    }
    const created = await post({ displayName: 'X', userId: id.toUpperCase(), visibility: 'private' }, admin)
    t.match(created, { statusCode: 201, headers: { location: `/api/profile/${id}` } })
    t.equal((await get(`/api/profile/${id}`, after(created))).statusCode, 404)
  })
})
