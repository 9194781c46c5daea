// The service when more is asked of its databases than they do at a time.
import t from 'tap'
import { fleet, publicProfiles } from '../fleet.ts'
import { until } from '../until.ts'

t.test('a service whose replicas hang refuses what it cannot do, and answers what it has', async (t) => {
  const { engines, instances } = await fleet(t, 1)
  const [{ app }] = instances
  const [id = ''] = await publicProfiles(engines.mysql.primary.url, 1)
  const known = () => app.inject(`/api/profile/${id}`)
  t.equal((await known()).statusCode, 200)

  // As many searches at once as can neither be done nor wait. Each is another, so that each is work of its own.
  const { limit } = app.admission.reads.state
  const searches = limit + 1_024 + 100
  for (const replica of engines.mysql.replicas) replica.hang()
  t.teardown(() => {
    for (const replica of engines.mysql.replicas) replica.resume()
  })
  const asked = []
  for (let i = 0; i < searches; i++) {
    asked.push(app.inject(`/api/profiles?q=nobody${i}`))
    // A hundred at a time: a process that stands still is refused by another part.
    if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const answers = await Promise.all(asked)
  const refused = answers.filter(({ statusCode }) => statusCode === 503)
  t.ok(refused.length >= 100, `${refused.length} of ${searches} are refused`)
  t.ok(app.admission.reads.refused.list >= 100, 'before any database was asked')
  for (const { headers, body } of refused) {
    if (!/^[1-9]$/.test(String(headers['retry-after']))) t.fail(`Retry-After: ${headers['retry-after']}`)
    if (JSON.parse(body).type !== 'https://turno.example/problems/unavailable') t.fail(body)
  }
  t.same(
    answers.filter(({ statusCode }) => statusCode !== 503 && statusCode !== 200),
    [],
    'nobody is answered with anything else'
  )

  for (const replica of engines.mysql.replicas) replica.resume()
  await until('all is well again', async () => {
    const answer = await app.inject(`/api/profiles?q=after${performance.now()}`)
    return answer.statusCode === 200
  })
  await until('every place was given back', () => app.admission.reads.state.underWay === 0)
})
