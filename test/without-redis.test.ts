// What it costs the database that Redis is away, under steady requests: a bounded number of questions, whatever the load.
import { ok, strictEqual } from 'node:assert/strict'
import t from 'tap'
import { fleet, publicProfiles } from './fleet.ts'
import { countStatements } from './statements.ts'
import { undisturbed } from './undisturbed.ts'

t.test('without Redis', async (t) => {
  const { engines, instances } = await fleet(t, 1)
  const [instance] = instances
  const ids = await publicProfiles(engines.mysql.primary.url, 16)
  const paths = ids.map((id) => `/api/profile/${id}`)
  for (const path of paths) await instance.send(path)
  await engines.redis.kill()
  const servers = [engines.mysql.primary, ...engines.mysql.replicas].map(({ url }) => url)

  t.test('the primary is asked some twenty times a second, however much is read', (t) =>
    undisturbed(t, async () => {
      const questions = await countStatements(servers.slice(0, 1), '%cache_slots WHERE slot IN%')
      const loads = await countStatements(servers, '%from `profiles`%')
      const startedAt = performance.now()
      const statuses: number[] = []
      const reader = async (offset: number) => {
        for (let i = 0; performance.now() - startedAt < 2_000; i++) {
          statuses.push((await instance.send(paths[(offset + i) % paths.length] ?? '/')).status)
        }
      }
      await Promise.all(Array.from({ length: 8 }, (_, i) => reader(i)))
      const proofs = (performance.now() - startedAt) / 50
      strictEqual(statuses.filter((status) => status !== 200).length, 0)
      const asked = await questions()
      ok(statuses.length > 2 * proofs, `${statuses.length} reads are too few to tell`)
      ok(asked <= proofs + 3, `${asked} questions for ${statuses.length} reads`)
      strictEqual(await loads(), 0, 'what stands is confirmed, not loaded again')
    })
  )
})
