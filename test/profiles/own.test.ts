// One's own profile: what only its owner reads, and what he replaces.
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { known } from '../../db/seed/known.ts'
import { buildApp } from '../../src/app.ts'
import { engines } from '../engines.ts'
import { query } from '../statements.ts'

const lucia = known.therapist.id

t.test('one’s own profile over HTTP', { timeout: 120_000 }, async (t) => {
  const { settings, mysql } = await engines(t, { replicas: 1, scale: 'tiny' })
  const app = await buildApp(settings)
  t.teardown(() => app.close())
  await app.ready()
  const as = (id: string, role: 'client' | 'therapist' | 'admin') => ({
    authorization: `Bearer ${app.signToken({ id, role }, 600)}`
  })
  const her = as(lucia, 'therapist')
  const own = (query = '', headers: Record<string, string> = her) =>
    app.inject({ url: `/api/profile${query}`, headers })
  const put = (payload: object, headers: Record<string, string> = {}) =>
    app.inject({ method: 'PUT', url: '/api/profile', headers: { ...her, ...headers }, payload })
  /** What the owner may send back of what she has read. */
  const writable = (profile: Record<string, unknown>): Record<string, unknown> => {
    const { id, currency, ratingAvg, ratingCount, nextSlotAt, version, createdAt, updatedAt, ...rest } =
      profile
    const services = (profile.services as Record<string, unknown>[]).map(
      ({ currency, ...service }) => service
    )
    return { ...rest, services }
  }

  t.test('owner and public read one profile of one version, and nothing private is public', async (t) => {
    const mine = await own()
    const paths = [`/api/profile/${lucia}`, `/api/profiles/${lucia}`]
    const [one, alias] = await Promise.all(paths.map((url) => app.inject({ url, headers: her })))
    const { private: details, ...said } = mine.json()
    t.match(details, { licenceNumber: /^DEMO-/, billingName: /./ })
    t.equal(mine.headers['cache-control'], 'private, no-cache')
    t.match(mine.headers.vary, /authorization/)
    t.equal(mine.headers['cdn-cache-control'], undefined)
    t.equal(mine.headers['cache-tag'], undefined)
    t.equal(mine.headers['content-location'], `/api/profile/${lucia}`)

    t.equal(one?.headers.etag, alias?.headers.etag)
    t.not(mine.headers.etag, one?.headers.etag, 'two representations')
    t.equal(
      String(mine.headers.etag).split('-')[0],
      String(one?.headers.etag).split('-')[0],
      'of one version'
    )
    t.match(said, { ...one?.json(), services: [{ name: /./, bufferAfterMinutes: Number }] })
    for (const reply of [one, alias]) {
      t.notMatch(
        reply?.body,
        /private|licence|DEMO-|billing|buffer/i,
        'though its owner reads it by her token'
      )
    }
  })

  t.test('no choice of fields makes anything private public', async (t) => {
    for (const path of [`/api/profile/${lucia}`, `/api/profiles/${lucia}`, '/api/profiles']) {
      for (const fields of ['private', 'licenceNumber', 'id,private', 'private.licenceNumber']) {
        const reply = await app.inject({ url: `${path}?fields=${fields}`, headers: her })
        t.equal(reply.statusCode, 400, `${path} ${fields}`)
      }
      const services = await app.inject({ url: `${path}?fields=id`, headers: her })
      t.notMatch(services.body, /private|licence|DEMO-|buffer/)
    }
    const chosen = await own('?fields=private,displayName')
    t.same(Object.keys(chosen.json()).sort(), ['displayName', 'private'], 'its owner may choose it')
  })

  t.test('nobody else’s token reads it, and who has none is told how to get one', async (t) => {
    t.equal((await own('', {})).statusCode, 401)
    t.equal((await own('', as(known.client.id, 'client'))).statusCode, 404)
    t.equal((await own('', as(known.admin.id, 'admin'))).statusCode, 404, 'not even an administrator’s')
    const [row] = await query<RowDataPacket & { id: string }>(
      mysql.primary.url,
      `SELECT LOWER(CONCAT_WS('-', SUBSTR(HEX(id), 1, 8), SUBSTR(HEX(id), 9, 4), SUBSTR(HEX(id), 13, 4),
              SUBSTR(HEX(id), 17, 4), SUBSTR(HEX(id), 21))) AS id FROM profiles WHERE visibility = 'private' LIMIT 1`
    )
    if (!row) throw new Error('somebody’s profile is private')
    const hidden = await own('', as(row.id, 'therapist'))
    t.equal(hidden.json().id, row.id, 'one that is private, by its owner alone')
  })

  t.test('it is replaced only from the version that was read, of either representation', async (t) => {
    const read = await own()
    const profile = { ...writable(read.json()), headline: 'Ahora en línea' }
    t.equal((await put(profile)).statusCode, 428)
    const replaced = await put(profile, { 'if-match': String(read.headers.etag) })
    t.equal(replaced.statusCode, 200)
    t.equal(replaced.json().version, read.json().version + 1)
    const late = await put(profile, { 'if-match': String(read.headers.etag) })
    t.equal(late.statusCode, 412)
    t.equal(late.headers.etag, replaced.headers.etag)

    const shown = await app.inject({ url: `/api/profile/${lucia}` })
    t.equal(shown.json().headline, 'Ahora en línea', 'everybody sees it')
    const same = await put(profile, { 'if-match': String(shown.headers.etag) })
    t.equal(same.statusCode, 200, 'the public ETag is as good')
    t.equal(same.json().version, replaced.json().version, 'and the same again changes nothing')
    t.same((await own()).json(), replaced.json())
  })

  t.test('what is left out is emptied, private details too', async (t) => {
    const before = await own()
    const bare = { displayName: 'Lucía', services: [] }
    const replaced = await put(bare, { 'if-match': '*' })
    t.match(replaced.json(), {
      displayName: 'Lucía',
      headline: '',
      bio: null,
      specialties: [],
      services: [],
      private: {}
    })
    const restored = await put(
      { ...writable(before.json()), services: [] },
      { 'if-match': String(replaced.headers.etag) }
    )
    t.same(restored.json().private, before.json().private)
    t.same(restored.json().specialties, before.json().specialties)
  })

  t.test('services are added, changed under their id, and taken out of the offer', async (t) => {
    const session = { name: 'Sesión', durationMinutes: 50, price: 6000, mode: 'online' }
    const couple = {
      name: 'Pareja',
      durationMinutes: 80,
      price: 9000,
      mode: 'either',
      bufferBeforeMinutes: 15
    }
    const offer = (services: object[]) => put({ displayName: 'Lucía', services }, { 'if-match': '*' })
    const [first, second] = (await offer([session, couple])).json().services
    t.match(first, {
      ...session,
      bufferAfterMinutes: 10,
      stepMinutes: 30,
      needsApproval: false,
      currency: 'EUR'
    })
    t.match(second, couple)

    const changed = await offer([{ ...session, id: first.id.toUpperCase(), price: 6500 }])
    t.match(changed.json().services, [{ id: first.id, price: 6500 }])
    t.equal(changed.json().services.length, 1)
    t.match(changed.headers['cache-group-invalidation'], `calendar:${lucia}`, 'what can be booked is another')
    const shown = (await app.inject(`/api/profile/${lucia}`)).json().services
    t.match(shown, [{ id: first.id, price: 6500 }])
    t.notOk('stepMinutes' in shown[0], 'how a day is cut is nobody else’s')

    const gone = await offer([{ ...couple, id: second.id }])
    t.match(gone.json(), { status: 422, errors: [{ pointer: '#/services/0/id' }] })
    const twice = await offer([
      { ...session, id: first.id },
      { ...session, id: first.id }
    ])
    t.match(twice.json(), { status: 422, errors: [{ pointer: '#/services' }] })
    const [foreign] = await query<RowDataPacket & { id: string }>(
      mysql.primary.url,
      `SELECT LOWER(CONCAT_WS('-', SUBSTR(HEX(id), 1, 8), SUBSTR(HEX(id), 9, 4), SUBSTR(HEX(id), 13, 4),
              SUBSTR(HEX(id), 17, 4), SUBSTR(HEX(id), 21))) AS id
         FROM services WHERE HEX(therapist_id) <> ? AND active = 1 LIMIT 1`,
      [lucia.replaceAll('-', '').toUpperCase()]
    )
    t.equal((await offer([{ ...session, id: foreign?.id }])).statusCode, 422, 'another’s is none of hers')
  })

  t.test('what is not hers to say is refused', async (t) => {
    const profile = { displayName: 'Lucía', services: [] }
    const refusal = async (more: object) => {
      const { status, type, errors } = (await put({ ...profile, ...more }, { 'if-match': '*' })).json()
      return [status, String(type).split('/').at(-1), errors?.[0]?.pointer]
    }
    t.same(await refusal({ ratingAvg: 5 }), [422, 'read-only-field', '#/ratingAvg'])
    t.same(await refusal({ id: lucia }), [422, 'read-only-field', '#/id'])
    t.same(await refusal({ private: { iban: 'x' } }), [422, 'validation', '#/private/iban'])
    t.same(await refusal({ services: undefined }), [422, 'validation', '#/services'])
    const long = { name: 'Todo el día', durationMinutes: 481, price: 1, mode: 'online' }
    t.same(await refusal({ services: [long] }), [422, 'validation', '#/services/0/durationMinutes'])
  })
})
