// A crowd that wants what nobody has yet, at three real processes at once.
import { strictEqual } from 'node:assert/strict'
import t from 'tap'
import { Pool } from 'undici'
import { engines } from './engines.ts'
import { publicProfiles } from './fleet.ts'
import { runService, serviceUrl } from './node.ts'
import { countStatements } from './statements.ts'
import { undisturbed } from './undisturbed.ts'

const clients = 1_000

t.test('1,000 clients of three instances who miss the same profile cost the fleet one query', async (t) => {
  const stack = await engines(t)
  const urls = await Promise.all(
    Array.from({ length: 3 }, () => runService(t, stack.settings).found(serviceUrl))
  )
  const share = Math.ceil(clients / urls.length)
  const pools = urls.map((url) => new Pool(url, { connections: share, pipelining: 1 }))
  t.teardown(() => Promise.all(pools.map((pool) => pool.destroy())))
  const ask = async (pool: Pool, path: string) => {
    const { statusCode, body } = await pool.request({ method: 'GET', path })
    return `${statusCode} ${await body.text()}`
  }
  const everybody = (path: string) =>
    Promise.all(pools.flatMap((pool) => Array.from({ length: share }, () => ask(pool, path))))

  const [warm = '', ...cold] = await publicProfiles(stack.mysql.primary.url, 20)
  // So that what is measured is the crowd and not the opening of its connections.
  await everybody(`/api/profile/${warm}`)

  const servers = [stack.mysql.primary, ...stack.mysql.replicas].map(({ url }) => url)
  await undisturbed(t, async () => {
    const counted = await countStatements(servers, '%FROM profiles WHERE id IN%')
    const answers = await everybody(`/api/profile/${cold.pop()}`)
    strictEqual(new Set(answers).size, 1, 'all are told the same')
    strictEqual(answers[0]?.slice(0, 3), '200')
    strictEqual(await counted(), 1)
  })
})
