// Every operation that changes something, once: it leaves its trace in the audit trail, and what creates is done once
// however often it is sent.
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { seedPassword } from '../accounts/client.ts'
import { fleet, type Reply } from '../fleet.ts'
import { query } from '../statements.ts'
import { until } from '../until.ts'
import { operationsOf } from './contract.ts'
import { people } from './people.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A session goes on, and nothing else changes: each of its writes says which session. */
const untraced = new Set(['POST /api/auth/refresh'])
/** What is answered there is a secret, which must not be kept to be told again; or there is no caller to keep it for. */
const notRepeatable = new Set(['POST /api/calendar-feed', 'POST /api/auth/register'])

t.test('every write there is', { timeout: 120_000 }, async (t) => {
  const all = await fleet(t, 1)
  const [instance] = all.instances
  const { url } = all.engines.mysql.primary
  const { hers, client, booking, session, email, things, administrator } = await people(all)
  const operations = (await operationsOf(instance)).filter(({ method }) => method !== 'GET')
  const done: Record<string, Reply> = {}
  const replayed = new Set<string>()

  const write = async (
    method: Method,
    path: string,
    headers: Record<string, string>,
    body?: unknown,
    ids: Record<string, string> = things[path]?.ids ?? {}
  ) => {
    const to = path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => ids[name] ?? '')
    const name = `${method} ${path}`
    const operation = operations.find((one) => one.method === method && one.path === path)
    const once = operation?.parameters.some((one) => one.name === 'idempotency-key') ?? false
    const given = { 'if-match': '*', ...(once && { 'idempotency-key': `"${randomUUID()}"` }), ...headers }
    const reply = await hers.send(method, to, given, body)
    t.ok(reply.status < 300, `${name}: ${reply.status} ${reply.body}`)
    done[name] = reply
    if (once && method === 'POST') {
      const again = await hers.send(method, to, given, body)
      t.same(
        [again.status, again.body, again.headers.location],
        [reply.status, reply.body, reply.headers.location],
        `${name} again`
      )
      t.equal(again.headers['idempotency-replayed'], 'true', `${name}: not done again`)
      t.equal(await entriesOf(again), 0, `${name}: nothing to trace in a replay`)
      replayed.add(name)
    }
    return reply
  }
  const entriesOf = async ({ headers }: Reply) => {
    const [row] = await query<RowDataPacket & { n: number }>(
      url,
      'SELECT COUNT(*) AS n FROM audit_log WHERE request_id = ?',
      [String(headers['x-request-id'])]
    )
    return Number(row?.n)
  }
  const idOf = ({ body }: Reply): string => JSON.parse(body).id
  const asSession = (token: string) => ({ authorization: `Bearer ${token}` })

  const hooks = '/api/webhooks/{id}'
  await write('POST', '/api/webhooks', hers.her, {
    url: 'https://hooks.example.com/2',
    events: ['client.created']
  })
  await write('POST', `${hooks}/secret`, hers.her)
  await write('POST', `${hooks}/ping`, hers.her)
  await write('POST', `${hooks}/deliveries/{deliveryId}/redeliver`, hers.her)
  await write('PATCH', hooks, hers.her, { description: 'Otra' })
  await write('DELETE', hooks, hers.her)

  const record = idOf(await write('POST', '/api/clients', hers.her, { name: 'Nueva Persona' }))
  await write('PATCH', '/api/clients/{id}', hers.her, { phone: '+34600000009' }, { id: record })
  await write('DELETE', '/api/clients/{id}', hers.her, undefined, { id: record })

  await write('POST', '/api/bookings', client.headers, {
    serviceId: hers.service,
    start: hers.at(5, '10:00')
  })
  await write('PATCH', '/api/bookings/{id}', client.headers, { start: hers.at(6, '10:00') })
  await write(
    'PUT',
    '/api/bookings/{id}',
    hers.her,
    { status: 'cancelled', cancelReason: 'Enferma' },
    { id: booking.id }
  )
  await write('POST', '/api/calendar-feed', hers.her)
  await write('DELETE', '/api/calendar-feed', hers.her)

  const therapist = randomUUIDv7()
  await query(
    url,
    `INSERT INTO users (id, email, password_hash, role, created_at, updated_at)
     VALUES (?, ?, '', 'therapist', UTC_TIMESTAMP(), UTC_TIMESTAMP())`,
    [uuidToBytes(therapist), `${therapist}@example.com`]
  )
  const newcomer = hers.as(therapist, 'therapist')
  const exampleOf = (name: string) =>
    operations.find(({ method, path }) => `${method} ${path}` === name)?.body?.example
  const { userId: _, ...profile } = Object(exampleOf('POST /api/profiles'))
  await write('POST', '/api/profiles', newcomer, profile)
  await write('PATCH', '/api/profile/{id}', newcomer, { headline: 'Una' }, { id: therapist })
  await write('PATCH', '/api/profiles/{id}', newcomer, { headline: 'Otra' }, { id: therapist })
  await write('PUT', '/api/profile', newcomer, exampleOf('PUT /api/profile'))
  await write('PUT', '/api/availability/rules', newcomer, exampleOf('PUT /api/availability/rules'))

  const newEmail = `${randomUUID()}@example.com`
  await write(
    'POST',
    '/api/auth/register',
    {},
    { email: newEmail, password: 'cuatro gatos en el tejado', role: 'client' }
  )
  const own = JSON.parse((await write('POST', '/api/auth/login', {}, { email, password: seedPassword })).body)
  await write('POST', '/api/auth/refresh', {}, { refreshToken: session.refreshToken })
  await write('DELETE', '/api/auth/sessions/{id}', hers.her)
  await write('DELETE', '/api/auth/sessions', asSession(own.accessToken))
  await write('PUT', '/api/auth/password', asSession(own.accessToken), {
    currentPassword: seedPassword,
    newPassword: 'cuatro perros en el tejado'
  })
  await write('POST', '/api/auth/logout', asSession(own.accessToken))
  await write('PUT', '/api/users/{id}/role', administrator, { role: 'client' }, { id: client.id })

  t.same(
    operations.map(({ method, path }) => `${method} ${path}`).filter((name) => !(name in done)),
    [],
    'all of the document’s'
  )

  await t.test('leaves one entry in the trail', async (t) => {
    const traced = Object.entries(done).filter(([name]) => !untraced.has(name))
    const without = async () => {
      const counted = await Promise.all(traced.map(async ([name, reply]) => [name, await entriesOf(reply)]))
      return counted.filter(([, entries]) => entries !== 1)
    }
    await until('one entry of each', async () => (await without()).length === 0).catch(() => {})
    t.same(await without(), [])
  })

  await t.test('is done once where it creates, however often it is sent', async (t) => {
    const creates = operations.filter(
      ({ method, responses }) => method === 'POST' && (201 in responses || 202 in responses)
    )
    t.ok(creates.length >= 6)
    for (const { method, path } of creates) {
      const name = `${method} ${path}`
      t.equal(replayed.has(name), !notRepeatable.has(name), name)
    }
  })
})
