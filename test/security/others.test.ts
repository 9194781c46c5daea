// OWASP API1:2023, broken object level authorization: over every route of the OpenAPI document, what is somebody else's
// is not there, and nobody can tell it from what was never there.
import t from 'tap'
import { fleet, type Reply } from '../fleet.ts'
import { ask, isStream, operationsOf } from './contract.ts'
import { people } from './people.ts'

const absentId = 'ffffffff-ffff-7fff-bfff-ffffffffffff'
/** The secret address of a calendar file is nobody's by name: whoever has it may read it. */
const isCapability = (path: string) => path === '/api/calendar/{file}'

t.test('what is somebody else’s', async (t) => {
  const all = await fleet(t, 1)
  const [instance] = all.instances
  const { things, strangers, administrator, hers, hold, booking } = await people(all)
  const operations = await operationsOf(instance)
  const named = operations.filter(({ path }) => path.includes('{') && !isCapability(path))
  const thingOf = (path: string) => {
    const thing = things[path]
    if (!thing) throw new Error(`${path} has an id: say in people.ts whose it is`)
    return thing
  }
  const shown = async () => {
    const answers: Record<string, Reply> = {}
    // A hidden profile is in its owner's /api/profile alone.
    for (const operation of named.filter(({ method, guarded }) => method === 'GET' && guarded)) {
      const { ids, owner } = thingOf(operation.path)
      answers[operation.path] = await ask(instance, operation, ids, owner)
    }
    return answers
  }

  await t.test('is, under its id, what was never there, to whoever asks for whatever', async (t) => {
    const before = await shown()
    for (const operation of named) {
      const { ids } = thingOf(operation.path)
      const nothing = Object.fromEntries(Object.keys(ids).map((name) => [name, absentId]))
      const callers = mayBeReadByAdmins(operation) ? strangers : { ...strangers, administrator }
      for (const [who, headers] of Object.entries(callers)) {
        if (operation.ofAdmins || (who === 'administrator' && givesRoles(operation))) continue
        const what = `${operation.method} ${operation.path} as ${who}`
        const theirs = await ask(instance, operation, ids, headers)
        const none = await ask(instance, operation, nothing, headers)
        t.match(String(theirs.status), /^40[34]$/, `${what} ${theirs.body}`)
        t.same(told(theirs, ids), told(none, nothing), `${what}: as if it were not there`)
        if (operation.method === 'GET' && operation.guarded) {
          t.notMatch(theirs.headers['cache-status'], /^turno-l1; hit$/, `${what}: not from the owner’s entry`)
        }
      }
    }
    for (const [path, { status, body }] of Object.entries(await shown())) {
      t.equal(status, 200, `${path}: its owner sees it`)
      t.equal(body, before[path]?.body, `${path}: and it is as it was`)
    }
  })

  await t.test('is in nobody’s lists, and no filter brings it there', async (t) => {
    const lists = operations.filter((one) => one.method === 'GET' && one.guarded && !one.path.includes('{'))
    for (const operation of lists.filter((one) => !isStream(one) && !one.ofAdmins)) {
      const own = await ask(instance, operation, {}, hers.her)
      t.equal(own.status, 200, `${operation.path}: she has some ${own.body.slice(0, 200)}`)
      for (const [who, headers] of Object.entries(strangers)) {
        const seen = await ask(instance, operation, {}, headers)
        t.match(String(seen.status), /^(?:200|403|404)$/, `${operation.path} as ${who}`)
        t.same(inCommon(own.body, seen.body), [], `${operation.path} as ${who}: nothing of hers`)
        t.notMatch(
          seen.headers['cache-status'],
          /^turno-l1; hit/,
          `${operation.path} as ${who}: not from her entry`
        )
      }
    }
    const filtered = `/api/bookings?clientId=${booking.clientId}`
    t.equal(JSON.parse((await instance.send(filtered, { headers: hers.her })).body).data.length, 2)
    const answer = await instance.send(filtered, { headers: strangers['another therapist'] })
    t.same(JSON.parse(answer.body).data, [], 'a filter by her client')
    t.equal((await instance.send(filtered, { headers: strangers['another client'] })).status, 400)
  })

  await t.test('a cursor of hers opens nothing of hers to somebody else', async (t) => {
    for (const path of ['/api/bookings', '/api/clients']) {
      const page = JSON.parse((await instance.send(`${path}?limit=1`, { headers: hers.her })).body)
      t.type(page.page.next, 'string')
      const stolen = await instance.send(`${path}?limit=1&cursor=${encodeURIComponent(page.page.next)}`, {
        headers: strangers['another therapist']
      })
      t.equal(stolen.status, 400, path)
    }
  })

  await t.test('a hold is free to nobody but those who are in it', async (t) => {
    const day = hold.start.slice(0, 10)
    const asked = (headers: Record<string, string>) =>
      instance.send(
        `/api/availability?therapistId=${hold.therapistId}&serviceId=${hers.service}&from=${day}T00:00:00Z&to=${day}T23:59:00Z&holdId=${hold.id}`,
        { headers }
      )
    for (const headers of Object.values(strangers)) {
      const { status, body } = await asked(headers)
      t.equal(status, 200)
      t.notMatch(body, /"held"/)
    }
    t.equal(
      (
        await instance.send(
          `/api/availability?therapistId=${hold.therapistId}&serviceId=${hers.service}&from=${day}T00:00:00Z&to=${day}T23:59:00Z&holdId=${hold.id}`
        )
      ).status,
      401
    )
  })
})

/** Each such reading is in the audit trail. */
const mayBeReadByAdmins = ({ method, path }: { method: string; path: string }) =>
  method === 'GET' && path === '/api/clients/{id}'
const mayBeChangedByAdmins = /^\/api\/profiles?\/\{id\}$/
const givesRoles = ({ path, method }: { path: string; method: string }) =>
  path === '/api/users/{id}/role' || (method === 'PATCH' && mayBeChangedByAdmins.test(path))

const ofThisAnswer = new Set(['x-request-id', 'date', 'cache-status', 'content-length', 'age'])

/** All that an answer tells, but what names this one answer or the id that was asked for. */
function told({ status, headers, body }: Reply, ids: Readonly<Record<string, string>>): unknown {
  const hide = (text: string) => Object.values(ids).reduce((all, id) => all.replaceAll(id, '…'), text)
  const { instance: _, ...problem } = JSON.parse(body)
  const kept = Object.entries(headers).filter(([name]) => !ofThisAnswer.has(name))
  return { status, problem: hide(JSON.stringify(problem)), headers: hide(JSON.stringify(kept)) }
}

const identifying = /[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}|[^\s"]+@[^\s"]+/g

/** Ids and addresses that two bodies both name. */
function inCommon(one: string, other: string): string[] {
  const known = new Set(one.match(identifying))
  return [...new Set(other.match(identifying))].filter((each) => known.has(each))
}
