// How the next free slot of profiles, by which lists are ordered, follows what is booked.
import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { refreshNextSlots } from '../../src/profiles/next-slots.ts'
import { daysAhead, openPractice } from '../availability/practice.ts'
import { engines } from '../engines.ts'

t.test('profiles say when the next slot is free', { timeout: 120_000 }, async (t) => {
  const { settings, mysql } = await engines(t, { replicas: 1, scale: 'empty' })
  const app = await buildApp(settings)
  t.teardown(() => app.close())
  await app.ready()
  const shown = async (id: string) => (await app.inject(`/api/profile/${id}`)).json()
  /** Two profiles at a time, to the end. */
  async function refreshAll(after: string | null = null): Promise<{ looked: number; changed: number }> {
    const { looked, changed, next } = await refreshNextSlots(app, 2, after)
    if (next === null) return { looked, changed }
    const rest = await refreshAll(next)
    return { looked: looked + rest.looked, changed: changed + rest.changed }
  }
  // Days of which nothing is over yet, whatever the hour.
  const rules = { minNoticeMinutes: 2 * 1440 }
  const one = await openPractice(app, mysql.primary.url, rules)
  const closed = await openPractice(app, mysql.primary.url, { ...rules, weekly: {} })
  const limited = await openPractice(app, mysql.primary.url, { ...rules, maxPerDay: 1 })
  const next = async (practice: typeof one) => {
    const [day] = (await practice.ask(daysAhead(0), daysAhead(20))).json().days
    return day === undefined ? null : Date.parse(day.slots[0].start)
  }
  const says = async ({ id }: typeof one) => {
    const { nextSlotAt } = await shown(id)
    return nextSlotAt === null ? null : Date.parse(nextSlotAt)
  }

  t.same(await refreshAll(), { looked: 3, changed: 2 }, 'who is closed has none, as before')
  t.equal(await says(one), await next(one), 'the first that can be booked')
  t.equal(await says(closed), null)
  t.same(await refreshAll(), { looked: 3, changed: 0 })

  const { version } = await shown(one.id)
  const first = (await next(one)) ?? 0
  await one.book(first)
  await limited.book((await next(limited)) ?? 0)
  t.same(await refreshAll(), { looked: 3, changed: 2 })
  t.equal(await says(one), await next(one))
  t.ok(((await says(one)) ?? 0) > first)
  t.equal(await says(limited), await next(limited), 'a full day is passed by')
  t.equal((await shown(one.id)).version, version, 'it is no edit of the owner’s')

  const list = (await app.inject('/api/profiles?sort=nextSlot')).json()
  t.equal(list.data.at(-1).id, closed.id, 'who has none comes last')
})
