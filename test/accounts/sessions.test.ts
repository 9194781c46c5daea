// Sessions as a fleet keeps them: who may go on, who may not any more, and what it costs to know.
import { strictEqual } from 'node:assert/strict'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { known } from '../../db/seed/known.ts'
import { removeEndedSessions } from '../../src/accounts/sweep.ts'
import { consistencyHeader } from '../../src/http/consistency.ts'
import { fleet } from '../fleet.ts'
import { countStatements, query } from '../statements.ts'
import { undisturbed } from '../undisturbed.ts'
import { until } from '../until.ts'
import { clientOf, emailOf, newEmail, seedPassword } from './client.ts'

t.test('two instances on one stack', { timeout: 120_000 }, async (t) => {
  const { engines, instances } = await fleet(t, 2)
  const [one, two] = instances.map(({ app }) => app)
  if (!one || !two) throw new Error('two instances are needed')
  const { url } = engines.mysql.primary
  const [here, there] = [clientOf(one), clientOf(two)]
  const email = await emailOf(url, known.client.id)

  /** Somebody of whom no other test knows. */
  async function somebody() {
    const email = newEmail()
    const body = { email, password: seedPassword, role: 'client' }
    strictEqual((await here.post('/api/auth/register', body)).statusCode, 201)
    return email
  }

  t.test('who signs in on one instance is known on the other', async (t) => {
    const session = await here.signIn(email.toUpperCase())
    t.ok(session.expiresIn <= 900)
    const me = await there.get('/api/auth/me', session.accessToken)
    t.match(me.json(), { id: known.client.id, role: 'client', email })
    t.equal(me.headers['cache-control'], 'private, no-cache')
    t.match(me.headers.vary, 'authorization')
    t.notMatch(me.body, /argon2|password/i)
    const again = await there.get('/api/auth/me', session.accessToken, {
      'if-none-match': String(me.headers.etag)
    })
    t.equal(again.statusCode, 304)
  })

  t.test(
    'tokens are for their owner alone: nothing on the way keeps them, nothing at rest holds them',
    async (t) => {
      const reply = await here.post('/api/auth/login', { email, password: seedPassword })
      t.equal(reply.headers['cache-control'], 'no-store')
      const { refreshToken } = reply.json()
      t.equal(Buffer.from(refreshToken, 'base64url').length, 32)
      const rows = await query(url, 'SELECT * FROM sessions')
      t.ok(rows.length > 0)
      t.notMatch(JSON.stringify(rows.map((row) => Object.values(row).map(String))), refreshToken)
      t.notOk(
        rows.some((row) => row.token_hash.equals(Buffer.from(refreshToken, 'base64url'))),
        'nor the token itself'
      )
    }
  )

  t.test('a session goes on with the token that it was given last', async (t) => {
    let session = await here.signIn(email)
    const { sessionId } = session
    for (const client of [there, here, there]) {
      const reply = await client.refresh(session.refreshToken)
      t.equal(reply.statusCode, 200)
      t.not(reply.json().refreshToken, session.refreshToken)
      session = reply.json()
      t.equal(session.sessionId, sessionId)
      t.equal(await here.statusOf(session), 200)
    }
  })

  t.test('a used token that comes back ends the session, for thief and owner alike', async (t) => {
    const session = await here.signIn(email)
    const owner = await here.refresh(session.refreshToken)
    const thief = await clientOf(two, 'another device').refresh(session.refreshToken)
    t.match(thief, { statusCode: 401, headers: { 'www-authenticate': /^Bearer/ } })
    t.equal(thief.json().type, 'https://turno.example/problems/session-ended')
    t.equal((await here.refresh(owner.json().refreshToken)).statusCode, 401, 'its successor is none any more')
    for (const client of [here, there])
      await until('its access token is refused', async () => (await client.statusOf(owner.json())) === 401)
  })

  t.test('a thief who comes later is found out too, also on the device of the owner', async (t) => {
    const session = await here.signIn(email)
    const owner = await here.refresh(session.refreshToken)
    await query(
      url,
      'UPDATE sessions SET used_at = used_at - INTERVAL 11 SECOND WHERE family_id = ? AND used_at IS NOT NULL',
      [uuidToBytes(session.sessionId)]
    )
    t.equal((await here.refresh(session.refreshToken)).statusCode, 401)
    t.equal((await here.refresh(owner.json().refreshToken)).statusCode, 401)
  })

  t.test('tabs that refresh at once, on any instance, all go on with the one successor', async (t) => {
    const session = await here.signIn(email)
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, i) => (i % 2 ? here : there).refresh(session.refreshToken))
    )
    t.same(new Set(replies.map(({ statusCode }) => statusCode)), new Set([200]))
    const successors = new Set<string>(replies.map((reply) => reply.json().refreshToken))
    t.equal(successors.size, 1, 'or there would be two chains, and a thief could keep one of them')
    for (const reply of replies) t.equal(await here.statusOf(reply.json()), 200)
    const [successor = ''] = successors
    const next = await there.refresh(successor)
    t.equal(next.statusCode, 200)
    t.equal((await here.refresh(session.refreshToken)).statusCode, 401, 'but not once that is used itself')
    t.equal((await here.refresh(next.json().refreshToken)).statusCode, 401)
  })

  t.test('what never was a token ends nothing', async (t) => {
    const session = await here.signIn(email)
    t.equal((await here.refresh('A'.repeat(43))).statusCode, 401)
    t.equal((await here.refresh("' OR 1=1 --")).statusCode, 422)
    t.equal(await here.statusOf(session), 200)
  })

  t.test('signed out on one instance, refused on the other, though no replica knows of it', async (t) => {
    const replicas = engines.mysql.replicas.map((replica) => replica.url)
    for (const replica of replicas) await query(replica, 'STOP SLAVE SQL_THREAD')
    try {
      const session = await here.signIn(email)
      t.equal(await there.statusOf(session), 200, 'nor of its beginning')
      t.equal(await there.statusOf(session), 200)
      const out = await here.post('/api/auth/logout', undefined, session.accessToken)
      t.equal(out.statusCode, 204)
      const told = { [consistencyHeader]: String(out.headers[consistencyHeader]) }
      const reply = await there.get('/api/auth/me', session.accessToken, told)
      t.equal(reply.statusCode, 401, 'at once, for who says what he has done')
      t.equal(reply.json().detail, 'The session has ended.')
      // A session that its entry alone kept alive would live for half a minute.
      await until('it is refused', async () => (await there.statusOf(session)) === 401, 5_000)
      t.equal((await there.refresh(session.refreshToken)).statusCode, 401)
      t.equal((await here.post('/api/auth/logout', undefined, session.accessToken)).statusCode, 401)
    } finally {
      for (const replica of replicas) await query(replica, 'START SLAVE SQL_THREAD')
    }
  })

  t.test('a session that somebody made up is none, and neither is another’s', async (t) => {
    const session = await here.signIn(email)
    const forged = (id: string, sessionId: string) =>
      here.get('/api/auth/me', one.signToken({ id, role: 'client', sessionId }, 60))
    t.equal((await forged(known.client.id, '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50')).statusCode, 401)
    t.equal((await forged(known.therapist.id, session.sessionId)).statusCode, 401)
    t.equal((await forged(known.client.id, session.sessionId)).statusCode, 200)
  })

  t.test('a hundred requests of a session ask the database nothing', async (t) => {
    const session = await here.signIn(email)
    const servers = [engines.mysql.primary, ...engines.mysql.replicas].map((server) => server.url)
    await undisturbed(t, async () => {
      for (const client of [here, there]) strictEqual(await client.statusOf(session), 200)
      const asked = await countStatements(servers, '%from `sessions`%')
      for (let i = 0; i < 100; i++) strictEqual(await (i % 2 ? here : there).statusOf(session), 200)
      strictEqual(await asked(), 0)
    })
  })

  t.test('nobody has more than ten sessions: the one that was quiet longest makes room', async (t) => {
    const email = await somebody()
    const first = await here.signIn(email)
    const second = await here.signIn(email)
    const renewed = (await here.refresh(first.refreshToken)).json()
    await Promise.all(Array.from({ length: 9 }, (_, i) => (i % 2 ? here : there).signIn(email)))
    const list = (await there.get('/api/auth/sessions', renewed.accessToken)).json().data
    t.equal(list.length, 10, 'also when many begin at once, on two instances')
    t.ok(list.some(({ id }: { id: string }) => id === first.sessionId))
    t.notOk(list.some(({ id }: { id: string }) => id === second.sessionId))
    await until('its token is refused', async () => (await there.statusOf(second)) === 401)
    t.equal((await here.refresh(second.refreshToken)).statusCode, 401)
  })

  t.test('one sees where one is signed in, and ends one of them, or all others', async (t) => {
    const email = await somebody()
    const phone = await clientOf(one, 'a phone').signIn(email)
    const laptop = await clientOf(two, 'a laptop').signIn(email)
    const desk = await clientOf(one, 'a desk').signIn(email)
    const listed = async () => (await there.get('/api/auth/sessions', desk.accessToken)).json().data
    t.match(await listed(), [
      { id: phone.sessionId, device: 'a phone', current: false },
      { id: laptop.sessionId, device: 'a laptop', current: false },
      { id: desk.sessionId, device: 'a desk', current: true, createdAt: String, expiresAt: String }
    ])
    const gone = await here.remove(`/api/auth/sessions/${phone.sessionId.toUpperCase()}`, desk.accessToken)
    t.equal(gone.statusCode, 204)
    t.equal((await here.remove(`/api/auth/sessions/${phone.sessionId}`, desk.accessToken)).statusCode, 404)
    await until('the phone is out', async () => (await there.statusOf(phone)) === 401)
    t.equal(await here.statusOf(laptop), 200)
    t.equal((await here.remove('/api/auth/sessions', desk.accessToken)).statusCode, 204)
    await until('so is the laptop', async () => (await here.statusOf(laptop)) === 401)
    t.equal(await here.statusOf(desk), 200)
    t.match(await listed(), [{ id: desk.sessionId }])
  })

  t.test('other people’s sessions are not there, for an administrator neither', async (t) => {
    const theirs = await here.signIn(email)
    for (const id of [known.therapist.id, known.admin.id]) {
      const mine = await here.signIn(await emailOf(url, id))
      const reply = await here.remove(`/api/auth/sessions/${theirs.sessionId}`, mine.accessToken)
      t.equal(reply.statusCode, 404)
      const list = await here.get('/api/auth/sessions', mine.accessToken)
      t.notMatch(list.body, theirs.sessionId)
    }
    t.equal(await here.statusOf(theirs), 200)
  })

  t.test('a session ends by itself, and what is left of it is removed', async (t) => {
    const email = await somebody()
    const [session, other] = [await here.signIn(email), await here.signIn(email)]
    await query(url, 'UPDATE sessions SET expires_at = UTC_TIMESTAMP() WHERE family_id = ?', [
      uuidToBytes(session.sessionId)
    ])
    t.equal((await there.refresh(session.refreshToken)).statusCode, 401)
    t.equal(await removeEndedSessions(one.mysql.primary), 1)
    t.equal(await removeEndedSessions(one.mysql.primary), 0)
    t.equal((await there.refresh(other.refreshToken)).statusCode, 200)
  })

  t.test('another password ends all sessions but the one that changed it', async (t) => {
    const email = await somebody()
    const [mine, another] = [await here.signIn(email), await there.signIn(email)]
    const change = (currentPassword: string, newPassword: string) =>
      here.put('/api/auth/password', { currentPassword, newPassword }, mine.accessToken)
    const wrong = await change('quite another one', 'a new long password')
    t.equal(wrong.statusCode, 403)
    t.equal(await there.statusOf(another), 200)
    t.equal((await change(seedPassword, 'short')).statusCode, 422)
    t.equal((await change(seedPassword, 'a new long password')).statusCode, 204)
    await until('the other one is out', async () => (await there.statusOf(another)) === 401)
    t.equal((await there.refresh(another.refreshToken)).statusCode, 401)
    t.equal(await there.statusOf(mine), 200)
    await t.rejects(there.signIn(email), /^401/)
    await there.signIn(email, 'a new long password')
  })

  t.test('of two who change one password at once, the second finds it changed', async (t) => {
    const email = await somebody()
    const mine = await here.signIn(email)
    const replies = await Promise.all(
      ['the first new password', 'the second new password'].map((newPassword, i) =>
        (i ? here : there).put(
          '/api/auth/password',
          { currentPassword: seedPassword, newPassword },
          mine.accessToken
        )
      )
    )
    t.same(replies.map(({ statusCode }) => statusCode).sort(), [204, 403])
  })

  t.test('another role ends all sessions: their tokens say the former one', async (t) => {
    const email = await somebody()
    const session = await here.signIn(email)
    const { id } = (await here.get('/api/auth/me', session.accessToken)).json()
    const path = `/api/users/${id}/role`
    t.equal((await here.put(path, { role: 'admin' }, session.accessToken)).statusCode, 403)
    const admin = await here.signIn(await emailOf(url, known.admin.id))
    const same = await here.put(path, { role: 'client' }, admin.accessToken)
    t.equal(same.statusCode, 200)
    t.equal(await there.statusOf(session), 200, 'the same role is no change')
    const changed = await here.put(path, { role: 'therapist' }, admin.accessToken)
    t.match(changed.json(), { id, role: 'therapist', version: 2 })
    await until('it is refused', async () => (await there.statusOf(session)) === 401)
    const again = await there.signIn(email)
    const me = await there.get('/api/auth/me', again.accessToken)
    t.equal(me.json().role, 'therapist')
  })
})
