// OWASP API3 and API4:2023 over every route of the OpenAPI document: nobody sets or reads what is not his to say, and
// nothing that is sent or asked for is without a bound.
import t from 'tap'
import { fleet } from '../fleet.ts'
import { ask, type Operation, operationsOf, type Schema } from './contract.ts'
import { people } from './people.ts'

/** What somebody would try to say of himself. */
const coveted = [
  'id',
  'role',
  'userId',
  'ownerId',
  'therapistId',
  'status',
  'verificationStatus',
  'emailVerified',
  'passwordHash',
  'ratingAvg',
  'ratingCount',
  'price',
  'version',
  'sequence',
  'createdAt',
  'erasedAt'
]

t.test('what is sent and what comes back', async (t) => {
  const all = await fleet(t, 1)
  const [instance] = all.instances
  const { things, hers, administrator, email } = await people(all)
  const operations = await operationsOf(instance)
  const withBody = operations.filter(({ body }) => body !== undefined)
  const ownerOf = ({ path }: Operation) =>
    path.startsWith('/api/users') ? administrator : (things[path]?.owner ?? hers.her)

  await t.test('no body says what is not its sender’s to say', async (t) => {
    t.ok(withBody.length > 10)
    for (const operation of withBody) {
      const own = new Set(Object.keys(operation.body?.schema?.properties ?? {}))
      const answered = namesIn(operation)
      for (const name of new Set([...answered, ...coveted])) {
        if (own.has(name)) continue
        const example = { ...Object(operation.body?.example), [name]: 1 }
        const refused = await ask(
          instance,
          { ...operation, body: { example } },
          things[operation.path]?.ids ?? {},
          ownerOf(operation)
        )
        const what = `${operation.method} ${operation.path} with ${name}`
        t.equal(refused.status, 422, `${what}: ${refused.body}`)
        const kind = answered.has(name) ? /read-only-field$/ : /(?:read-only-field|validation)$/
        t.match(JSON.parse(refused.body).type, kind, what)
      }
    }
  })

  await t.test('no choice of fields or parts shows what the answer’s schema does not name', async (t) => {
    const secrets = ['email', 'passwordHash', 'private', 'notes', 'phone', 'userId', 'tokenHash', 'secretEnc']
    const choosing = operations.filter(({ parameters }) =>
      parameters.some(({ name }) => name === 'fields' || name === 'expand')
    )
    t.ok(choosing.length >= 6)
    for (const operation of choosing) {
      const shown = namesIn(operation)
      for (const name of secrets.filter((name) => !shown.has(name))) {
        for (const parameter of ['fields', 'expand']) {
          const path = `${operation.path}?${parameter}=${name}`
          const ids = operation.guarded ? (things[operation.path]?.ids ?? {}) : { id: hers.therapist }
          const reply = await ask(
            instance,
            { ...operation, path },
            ids,
            operation.guarded ? ownerOf(operation) : {}
          )
          t.equal(reply.status, 400, `${path}: ${reply.body.slice(0, 200)}`)
        }
      }
    }
    const own = JSON.parse((await instance.send('/api/profile', { headers: hers.her })).body)
    for (const path of [
      '/api/profiles?limit=100',
      `/api/profile/${hers.therapist}`,
      `/api/profiles/${hers.therapist}`
    ]) {
      const { body } = await instance.send(path)
      const [shown] = [JSON.parse(body)].flatMap((answer) => answer.data ?? answer)
      t.notOk('private' in shown, `${path}: nothing of her own side`)
      t.notMatch(body, email, `${path}: no address`)
    }
    t.ok('private' in own, 'which she sees herself')
  })

  await t.test('every text, list and number that is taken has its bound', async (t) => {
    const boundless = operations.flatMap((operation) =>
      [
        ...unbounded(operation.body?.schema ?? {}, '#'),
        ...operation.parameters
          .filter((one) => one.in === 'query')
          .flatMap(({ name, schema }) => unbounded(schema, `?${name}`))
      ].map((place) => `${operation.method} ${operation.path} ${place}`)
    )
    t.same(boundless, [])
  })

  await t.test('no list is longer than a hundred, and no span of time than its bound', async (t) => {
    const lists = operations.filter(
      ({ method, responses }) =>
        method === 'GET' &&
        responses[200]?.content?.['application/json']?.schema?.properties?.page !== undefined
    )
    t.ok(lists.length >= 5)
    for (const operation of lists) {
      const limit = operation.parameters.find(({ name }) => name === 'limit')
      t.ok((limit?.schema.maximum ?? Number.POSITIVE_INFINITY) <= 100, `${operation.path} has a limit`)
      const { ids = {}, owner } = things[operation.path] ?? {}
      const headers = operation.ofAdmins ? administrator : (owner ?? hers.her)
      for (const asked of ['limit=0', 'limit=101', 'limit=abc', 'limit=1e9']) {
        const reply = await ask(instance, { ...operation, path: `${operation.path}?${asked}` }, ids, headers)
        t.equal(reply.status, 400, `${operation.path}?${asked}`)
      }
    }
    const spans = operations.filter(({ parameters }) =>
      ['from', 'to'].every((end) => parameters.some(({ name }) => name === end))
    )
    t.ok(spans.length >= 3)
    for (const operation of spans) {
      // A list of pages reads no more for a longer span; what is worked out whole does.
      if (operation.parameters.some(({ name }) => name === 'limit')) continue
      const path = `${operation.path}?therapistId=${hers.therapist}&serviceId=${hers.service}&from=2026-11-01T00:00:00Z&to=2026-12-03T00:00:00Z`
      const reply = await ask(instance, { ...operation, path }, {}, hers.her)
      t.equal(reply.status, 422, path)
      t.match(JSON.parse(reply.body).type, /range-too-long$/)
    }
  })
})

/** The fields of the things that an operation answers with, in a list or one by one. */
function namesIn({ responses }: Operation): Set<string> {
  const schemas = Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, { content }]) => content?.['application/json']?.schema ?? [])
  const listed = schemas.flatMap(({ properties }) => properties?.data?.items ?? [])
  return new Set(
    [...(listed.length > 0 ? listed : schemas)].flatMap(({ properties }) => Object.keys(properties ?? {}))
  )
}

const boundedFormats = new Set(['uuid', 'date', 'date-time'])
const anyNumberOf = /[*+]|\{\d+,\}/

/** Where a schema takes as much as anybody likes. */
function unbounded(schema: Schema, at: string): string[] {
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  if (branches.length > 0) return branches.flatMap((branch, i) => unbounded(branch, `${at}|${i}`))
  if (schema.enum !== undefined || schema.const !== undefined) return []
  switch (schema.type) {
    case 'string':
      return hasLongest(schema) ? [] : [at]
    case 'array':
      return [...(schema.maxItems === undefined ? [at] : []), ...unbounded(schema.items ?? {}, `${at}/*`)]
    case 'integer':
    case 'number':
      return schema.minimum === undefined || schema.maximum === undefined ? [at] : []
    case 'object': {
      const { properties = {}, additionalProperties } = schema
      const open =
        additionalProperties === false || schema.maxProperties !== undefined || at === '#' ? [] : [at]
      return [
        ...open,
        ...(typeof additionalProperties === 'object' ? unbounded(additionalProperties, `${at}/*`) : []),
        ...Object.entries(properties).flatMap(([name, property]) => unbounded(property, `${at}/${name}`))
      ]
    }
    case 'boolean':
    case 'null':
      return []
    default:
      return Object.keys(schema).length === 0 && at === '#' ? [] : [at]
  }
}

function hasLongest({ maxLength, format = '', pattern = '' }: Schema): boolean {
  if (maxLength !== undefined || boundedFormats.has(format)) return true
  return /^\^.*\$$/.test(pattern) && !anyNumberOf.test(pattern.replaceAll(/\\[+*]/g, ''))
}
