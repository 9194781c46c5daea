// What is private is kept by nobody on the way, however it comes out of our own cache: over every route of the OpenAPI
// document. That an edge in front really keeps none of it is test/nginx/chain.test.ts.
import t, { type Test } from 'tap'
import { fleet, type Instance, type Reply } from '../fleet.ts'
import { ask, isStream, type Operation, operationsOf } from './contract.ts'
import { people } from './people.ts'

t.test('private answers', async (t) => {
  const all = await fleet(t, 1)
  const [instance] = all.instances
  const { things, hers, administrator, hold, client, strangers } = await people(all)
  const operations = await operationsOf(instance)
  const guarded = operations.filter((operation) => operation.guarded && !isStream(operation))
  const ownerOf = ({ path, ofAdmins }: Operation) =>
    ofAdmins ? administrator : (things[path]?.owner ?? hers.her)
  // As an edge of ours asks, which is told more than others.
  const asEdge = { 'surrogate-capability': 'edge="Surrogate/1.0"' }

  await t.test(
    'are for no cache but their reader’s own, when they are loaded, hot, unchanged or refused',
    async (t) => {
      for (const operation of guarded.filter(({ method }) => method === 'GET')) {
        const what = operation.path
        const { ids = {} } = things[what] ?? {}
        const headers = { ...ownerOf(operation), ...asEdge }
        const first = await ask(instance, operation, ids, headers)
        t.equal(first.status, 200, `${what} ${first.body}`)
        staysPrivate(t, what, first)
        if (operation.ofAdmins) continue
        const hot = await hotAnswer(instance, operation, ids, headers)
        t.match(hot.headers['cache-status'], /^turno-l1; hit/, `${what}: hot`)
        t.equal(hot.body, first.body, `${what}: the same`)
        staysPrivate(t, `${what}, hot`, hot)
        const known = await ask(instance, operation, ids, {
          ...headers,
          'if-none-match': String(hot.headers.etag)
        })
        t.equal(known.status, 304, `${what}: unchanged`)
        staysPrivate(t, `${what}, unchanged`, known)
        const other = await ask(instance, operation, ids, { ...headers, ...strangers['another client'] })
        t.not(other.body, first.body, `${what}: somebody else is not answered with it`)
        staysPrivate(t, `${what}, to somebody else`, other)
      }
      for (const operation of guarded) {
        const { ids = {} } = things[operation.path] ?? {}
        staysPrivate(
          t,
          `${operation.method} ${operation.path}, no token`,
          await ask(instance, operation, ids, asEdge)
        )
      }
    }
  )

  await t.test('of a hold, and of a secret address, are private though no token is asked for', async (t) => {
    const day = hold.start.slice(0, 10)
    const asked = `/api/availability?therapistId=${hold.therapistId}&serviceId=${hers.service}&from=${day}T00:00:00Z&to=${day}T23:59:00Z`
    const open = await instance.send(asked, { headers: asEdge })
    t.match(open.headers['cache-control'], /^public/, 'what anybody may see is for everybody')
    const held = await instance.send(`${asked}&holdId=${hold.id}`, {
      headers: { ...client.headers, ...asEdge }
    })
    t.match(held.body, /"held":true/)
    staysPrivate(t, 'a hold', held)
    const feed = await hers.send('POST', '/api/calendar-feed', hers.her)
    staysPrivate(t, 'a new address', feed)
    for (const time of ['first', 'again']) {
      const file = await instance.send(JSON.parse(feed.body).url, { headers: asEdge })
      t.equal(file.status, 200)
      staysPrivate(t, `a calendar file, ${time}`, file)
    }
  })

  await t.test('are not what a public path says to whoever is signed in', async (t) => {
    const open = operations.filter(
      ({ method, path, guarded }) => method === 'GET' && !guarded && path.startsWith('/api/profile')
    )
    t.ok(open.length >= 3)
    for (const operation of open) {
      const ids = { id: hold.therapistId }
      const anonymous = await ask(instance, operation, ids)
      t.equal(anonymous.status, 200)
      for (const headers of [hers.her, administrator]) {
        t.equal((await ask(instance, operation, ids, headers)).body, anonymous.body, operation.path)
      }
    }
  })

  // Last, for it changes what it can.
  await t.test('to changes are no different', async (t) => {
    for (const operation of guarded.filter(({ method }) => method !== 'GET')) {
      const { ids = {} } = things[operation.path] ?? {}
      const reply = await ask(instance, operation, ids, { ...ownerOf(operation), ...asEdge })
      const what = `${operation.method} ${operation.path} ${reply.status}`
      t.not(reply.status, 401, what)
      forNoEdge(t, what, reply)
    }
  })
})

/** What came out of the process's own memory: on a slow machine its proof may have run out in between. */
async function hotAnswer(
  instance: Instance,
  operation: Operation,
  ids: Readonly<Record<string, string>>,
  headers: Record<string, string>
): Promise<Reply> {
  let reply = await ask(instance, operation, ids, headers)
  for (let left = 20; left > 0 && !/^turno-l1; hit/.test(String(reply.headers['cache-status'])); left--) {
    reply = await ask(instance, operation, ids, headers)
  }
  return reply
}

function staysPrivate(t: Test, what: string, { headers }: Reply): void {
  t.match(
    headers['cache-control'],
    /^(?:private, no-cache|private, no-store|no-store)$/,
    `${what}: Cache-Control`
  )
  forNoEdge(t, what, { headers })
}

function forNoEdge(t: Test, what: string, { headers }: Pick<Reply, 'headers'>): void {
  t.notMatch(headers['cache-control'], /public|s-maxage|max-age/, `${what}: Cache-Control`)
  for (const name of [
    'cdn-cache-control',
    'cache-tag',
    'cache-groups',
    'surrogate-key',
    'x-accel-expires',
    'expires'
  ]) {
    t.equal(headers[name], undefined, `${what}: ${name}`)
  }
}
