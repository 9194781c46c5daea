// The trail as a whole: what is done through the API is in the table, once, with who, when and from where.
import t from 'tap'
import { known } from '../../db/seed/known.ts'
import { fleet, publicProfiles } from '../fleet.ts'
import { until } from '../until.ts'
import { entries } from './entries.ts'

t.test(
  'a changed profile leaves an entry: who, what, which, from where; and nothing of what it holds',
  async (t) => {
    const { engines, instances } = await fleet(t, 2)
    const [instance] = instances
    const { url } = engines.mysql.primary
    const [id = ''] = await publicProfiles(url, 1)
    const token = instance.app.signToken({ id: known.admin.id, role: 'admin' }, 60)
    const reply = await instance.send(`/api/profile/${id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${token}`, 'x-request-id': 'test-0001' },
      body: { headline: 'Un titular nuevo' }
    })
    t.equal(reply.status, 200, reply.body)
    await until('the entry is in the table', async () => (await entries(url)).length > 0)
    t.match(await entries(url), [
      {
        actor_id: known.admin.id,
        actor_role: 'admin',
        action: 'profile.update',
        resource: 'profile',
        resource_id: id,
        outcome: 'success',
        address: '127.0.0.1',
        request_id: 'test-0001'
      }
    ])
    t.notMatch(JSON.stringify(await entries(url)), /titular/)

    const lines = (await instance.app.metrics.text()).split('\n')
    const value = (name: string) => Number(lines.find((line) => line.startsWith(`${name} `))?.split(' ')[1])
    t.equal(value('turno_audit_recorded_total'), 1)
    t.equal(value('turno_audit_unacknowledged'), 0)
    t.equal(value('turno_audit_dropped_total'), 0)
    const others = await Promise.all(instances.map(({ app }) => app.audit.consumer?.counters.written ?? 0))
    t.equal(
      others.reduce((sum, one) => sum + one, 0),
      1,
      'one of the two wrote it'
    )
  }
)
