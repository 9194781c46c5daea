// Who is believed while those who know of sessions are away, and what a service says of people while it works.
import t from 'tap'
import { known } from '../../db/seed/known.ts'
import { engines } from '../engines.ts'
import { fleet } from '../fleet.ts'
import { runService, serviceUrl } from '../node.ts'
import { until } from '../until.ts'
import { clientOf, emailOf, newEmail, patiently, seedPassword } from './client.ts'

t.test('without Redis sessions go on and end; without MySQL too, nobody is believed', async (t) => {
  const { engines, instances } = await fleet(t, 2)
  const [one, two] = instances.map(({ app }) => clientOf(app))
  if (!one || !two) throw new Error('two instances are needed')
  const { primary, replicas } = engines.mysql
  const email = await emailOf(primary.url, known.client.id)
  await engines.redis.kill()
  const [session, other] = [await one.signIn(email), await two.signIn(email)]
  t.equal(await two.statusOf(session), 200)
  t.equal((await two.post('/api/auth/logout', undefined, session.accessToken)).statusCode, 204)
  await until('it has ended everywhere', async () => (await one.statusOf(session)) === 401, 5_000)

  t.equal(await one.statusOf(other), 200)
  /** Of a request that asks nothing of MySQL but who is calling. */
  const believed = async () => {
    const path = `/api/users/${known.admin.id}/role`
    return (await one.put(path, { role: 'client' }, other.accessToken)).statusCode
  }
  t.equal(await believed(), 403)
  await Promise.all([primary, ...replicas].map((server) => server.kill()))
  await until('nobody is believed', async () => (await believed()) === 503)
  const reply = await one.get('/api/auth/me', other.accessToken)
  t.match(reply, { statusCode: 503, headers: { 'retry-after': /^\d+$/ } })
  t.equal((await one.post('/api/auth/login', { email, password: seedPassword })).statusCode, 503)
  t.equal((await one.refresh(other.refreshToken)).statusCode, 503)
})

t.test('no line of the log has a password, a token or an address in it', async (t) => {
  const { settings, mysql } = await engines(t, { replicas: 0, scale: 'tiny' })
  const service = runService(t, settings, { LOG_LEVEL: 'trace', LOG_SLOW_REQUEST_MS: '0' })
  const url = await service.found(serviceUrl)
  const replies: { status: number; text: string }[] = []
  const send = async (path: string, body: unknown, token = '', method = 'POST') => {
    const reply = await patiently(() =>
      fetch(url + path, {
        method,
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: typeof body === 'string' ? body : JSON.stringify(body)
      }).then(async (reply) => ({ statusCode: reply.status, body: await reply.text() }))
    )
    replies.push({ status: reply.statusCode, text: reply.body })
    return reply.body === '' ? {} : JSON.parse(reply.body)
  }
  const email = await emailOf(mysql.primary.url, known.client.id)
  const mine = newEmail()
  const secret = 'a-pass-phrase-to-be-seen-nowhere'
  const { accessToken, refreshToken } = await send('/api/auth/login', { email, password: seedPassword })
  await send('/api/auth/login', { email, password: secret })
  await send('/api/auth/login', { email, password: { nested: secret } })
  await send('/api/auth/login', `{"email":"${email}","password":"${secret}"`)
  await send(`/api/auth/login?password=${secret}`, { email, password: secret })
  await send('/api/auth/register', { email: mine, password: secret, role: 'client' })
  await send('/api/auth/register', { email: mine, password: secret, role: 'client' })
  await send('/api/auth/password', { currentPassword: secret, newPassword: `${secret}!` }, accessToken, 'PUT')
  const next = await send('/api/auth/refresh', { refreshToken })
  await send('/api/auth/refresh', { refreshToken: `${refreshToken}x` })
  await send('/api/auth/sessions', '{}', `${accessToken}x`, 'DELETE')
  t.same(
    replies.map(({ status }) => status),
    [200, 401, 422, 400, 400, 201, 409, 403, 200, 422, 401]
  )
  service.kill('SIGTERM')
  const { out, err } = await service.ended
  t.match(out, '/api/auth/login', 'there are lines')
  const kept = { secret, seedPassword, email, mine, accessToken, refreshToken, next: next.refreshToken }
  for (const [what, text] of Object.entries(kept)) t.notOk((out + err).includes(text), what)
  for (const { text } of replies)
    t.notOk(text.includes(secret) || text.includes(seedPassword), 'nor has an answer')
})
