// What only several instances with replicas that lag can get wrong about availability.
import t from 'tap'
import { consistencyHeader } from '../../src/http/consistency.ts'
import { fleet } from '../fleet.ts'
import { query } from '../statements.ts'
import { until } from '../until.ts'
import { bookHour, daysAhead, inMadrid, openPractice } from './practice.ts'

const lagSeconds = 5

t.test(
  'a slot booked on one instance is gone on the other while all replicas are seconds behind',
  { timeout: 120_000 },
  async (t) => {
    const { engines, instances } = await fleet(t, 2)
    const [here, there] = instances
    if (!there) throw new Error('two instances were asked for')
    const { id, serviceId, open, authorization } = await openPractice(here.app, engines.mysql.primary.url)
    const [from, to] = [daysAhead(10), daysAhead(11)]
    const path = `/api/availability?therapistId=${id}&serviceId=${serviceId}&from=${from}&to=${to}`
    const offered = async (instance: typeof here, headers = {}): Promise<string[]> => {
      const { status, body } = await instance.send(path, { headers })
      if (status !== 200) throw new Error(body)
      const [day] = JSON.parse(body).days
      return day.slots.map(({ start }: { start: string }) => start.slice(11, 16))
    }
    const all = ['09:00', '10:00', '11:00', '12:00']
    t.same([await offered(here), await offered(there)], [all, all])

    for (const { url } of engines.mysql.replicas) {
      await query(url, 'STOP SLAVE')
      await query(url, `CHANGE MASTER TO MASTER_DELAY=${lagSeconds}`)
      await query(url, 'START SLAVE')
    }
    const startsAt = inMadrid(from, '10:00')
    const bookedAt = performance.now()
    await bookHour(here.app, { therapistId: id, serviceId, startsAt })
    const left = ['09:00', '11:00', '12:00']
    t.same(await offered(here), left, 'who booked it sees it at once')
    await until('the other sees it', async () => (await offered(there)).length === left.length)
    const sawAfterMs = performance.now() - bookedAt
    t.ok(sawAfterMs < lagSeconds * 1_000, `${Math.round(sawAfterMs)} ms, before any replica could tell`)
    while (performance.now() - bookedAt < lagSeconds * 1_000) {
      if ((await offered(there)).length !== left.length) throw new Error('an old month came back')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    t.same(await offered(there), left, 'and it never comes back')

    const put = await there.send('/api/availability/rules', {
      method: 'PUT',
      headers: { authorization, 'if-match': '*' },
      body: { ...open, overrides: { [from]: [] } }
    })
    t.equal(put.status, 200)
    const written = { [consistencyHeader]: String(put.headers[consistencyHeader]) }
    const closed = JSON.parse((await here.send(path, { headers: written })).body)
    t.same(closed.days, [], 'with the token of a write not even the first answer is older')
  }
)
