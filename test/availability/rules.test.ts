// A therapist's rules as their owner reads and replaces them.
import type { RowDataPacket } from 'mysql2/promise'
import t from 'tap'
import { uuidToBytes } from '../../db/columns.ts'
import { buildApp } from '../../src/app.ts'
import { engines } from '../engines.ts'
import { query } from '../statements.ts'
import { inMadrid, newTherapist, openPractice } from './practice.ts'

const url = '/api/availability/rules'

t.test('rules over HTTP', { timeout: 120_000 }, async (t) => {
  const { settings, mysql } = await engines(t, { replicas: 1, scale: 'empty' })
  const primaryUrl = mysql.primary.url
  const app = await buildApp(settings)
  t.teardown(() => app.close())
  await app.ready()
  const as = (id: string, role: 'therapist' | 'client' = 'therapist') => ({
    authorization: `Bearer ${app.signToken({ id, role }, 600)}`
  })
  const get = (headers: Record<string, string>) => app.inject({ url, headers })
  const put = (payload: object, headers: Record<string, string>) =>
    app.inject({ method: 'PUT', url, headers, payload })
  const hours = [{ from: '09:00', to: '13:00' }]

  t.test('a new practice is closed, in the zone and with the holidays of its owner', async (t) => {
    const id = await newTherapist(primaryUrl)
    const created = await app.inject({
      method: 'POST',
      url: '/api/profiles',
      headers: as(id),
      payload: { displayName: 'Nora Vidal Roca', region: 'ES-CN' }
    })
    t.equal(created.statusCode, 201)
    const rules = await get(as(id))
    t.match(rules.json(), { timeZone: 'Atlantic/Canary', weekly: {}, overrides: {}, holidayRegion: 'ES-CN' })
    t.equal(rules.headers['cache-control'], 'private, no-cache')
  })

  t.test('they are replaced only by somebody who has seen them as they are', async (t) => {
    const { authorization, open, book } = await openPractice(app, primaryUrl)
    const read = await get({ authorization })
    const etag = String(read.headers.etag)
    t.equal((await put(open, { authorization })).statusCode, 428)

    await book(inMadrid('2026-12-01', '10:00'))
    const late = await put(open, { authorization, 'if-match': etag })
    t.equal(late.statusCode, 412, 'a booking came between')
    t.equal(late.json().currentVersion, read.json().version + 1)

    const overrides = { '2026-12-24': [], '2026-12-28': [{ from: '22:00', to: '24:00' }] }
    const changed = { ...open, weekly: { 7: hours }, maxPerDay: 3, overrides, holidayRegion: 'ES-CT' }
    const replaced = await put(changed, { authorization, 'if-match': String(late.headers.etag) })
    t.equal(replaced.statusCode, 200)
    t.match(replaced.json(), { ...changed, version: read.json().version + 2 })
    t.same(replaced.json().overrides, overrides)
    t.equal(replaced.json().weekly[1], undefined, 'what was left out is gone')
    const now = await get({ authorization })
    t.same(now.json(), replaced.json())
    t.equal(now.headers.etag, replaced.headers.etag)
  })

  t.test('of ten who replace one version at once, one does', async (t) => {
    const { authorization, open } = await openPractice(app, primaryUrl)
    const etag = String((await get({ authorization })).headers.etag)
    const writes = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        put({ ...open, horizonDays: 100 + i }, { authorization, 'if-match': etag })
      )
    )
    t.same(writes.map(({ statusCode }) => statusCode).sort(), [200, ...Array.from({ length: 9 }, () => 412)])
    const winner = writes.find(({ statusCode }) => statusCode === 200)
    t.same((await get({ authorization })).json(), winner?.json())
  })

  t.test('the same again changes nothing, and what changes is told without the hours', async (t) => {
    const { id, authorization, open } = await openPractice(app, primaryUrl)
    const events = () =>
      query<RowDataPacket & { type: string; data: unknown }>(
        primaryUrl,
        "SELECT type, data FROM outbox WHERE subject = ? AND type = 'calendar.updated'",
        [`calendar:${id}`]
      )
    const before = await get({ authorization })
    const told = (await events()).length
    const same = await put(open, { authorization, 'if-match': '*' })
    t.equal(same.json().version, before.json().version)
    t.equal(same.headers['cache-group-invalidation'], undefined)
    t.equal((await events()).length, told)
    await put({ ...open, horizonDays: 90 }, { authorization, 'if-match': '*' })
    const [last] = (await events()).slice(-1)
    const data = typeof last?.data === 'string' ? JSON.parse(last.data) : last?.data
    t.same(data, { version: before.json().version + 1, changed: ['horizonDays'] })
  })

  t.test('a therapist whose profile is older than calendars opens one', async (t) => {
    const { id, authorization, open } = await openPractice(app, primaryUrl)
    await query(primaryUrl, 'DELETE FROM calendars WHERE therapist_id = ?', [uuidToBytes(id)])
    t.equal((await put(open, { authorization, 'if-match': '*' })).statusCode, 404)
    const writes = await Promise.all(
      Array.from({ length: 6 }, () => put(open, { authorization, 'if-none-match': '*' }))
    )
    t.same(writes.map(({ statusCode }) => statusCode).sort(), [201, 412, 412, 412, 412, 412])
    const created = writes.find(({ statusCode }) => statusCode === 201)
    t.match(created?.json(), { timeZone: 'Europe/Madrid', weekly: { 1: hours } })
    t.equal((await put(open, { authorization, 'if-none-match': '*' })).statusCode, 412, 'once')
  })

  t.test('nobody who has no practice has rules', async (t) => {
    const stranger = '0199a3f2-5c1e-7d4a-9b7e-00000000000a'
    t.equal((await get(as(stranger, 'client'))).statusCode, 404)
    const rules = { timeZone: 'UTC', weekly: {} }
    const headers = { ...as(stranger, 'client'), 'if-none-match': '*' }
    t.equal((await put(rules, headers)).statusCode, 404)
  })

  t.test('what does not hold together is refused, with the place of each fault', async (t) => {
    const { authorization, open } = await openPractice(app, primaryUrl)
    const faults = async (rules: object) => {
      const answer = await put({ ...open, ...rules }, { authorization, 'if-match': '*' })
      const { errors } = answer.json()
      return answer.statusCode === 422
        ? errors.map(({ pointer }: { pointer: string }) => pointer)
        : answer.statusCode
    }
    const from = (from: string, to: string) => ({ from, to })
    t.same(await faults({ timeZone: '+01:00' }), ['#/timeZone'])
    t.same(await faults({ timeZone: 'Europe/Atlantis' }), ['#/timeZone'])
    t.same(await faults({ weekly: { 1: [from('09:00', '14:00'), from('13:00', '15:00')] } }), [
      '#/weekly/1/1'
    ])
    t.same(await faults({ weekly: { 1: [from('22:00', '02:00')], 2: [from('01:00', '05:00')] } }), [
      '#/weekly/2/0'
    ])
    t.same(await faults({ weekly: { 7: [from('22:00', '02:00')], 1: [from('01:00', '05:00')] } }), [
      '#/weekly/1/0'
    ])
    t.same(await faults({ weekly: { 1: [from('09:00', '09:00')] } }), ['#/weekly/1/0/to'])
    t.same(await faults({ weekly: { 1: [from('24:00', '02:00')] } }), ['#/weekly/1/0/from'])
    t.same(await faults({ weekly: { 1: [from('9:00', '10:00')] } }), ['#/weekly/1/0/from'])
    t.same(await faults({ weekly: { 8: hours } }), ['#/weekly/8'])
    t.same(await faults({ overrides: { '2026-02-30': [] } }), ['#/overrides/2026-02-30'])
    t.same(await faults({ overrides: { christmas: [] } }), ['#/overrides/christmas'])
    t.same(await faults({ holidayRegion: 'ES-XX' }), ['#/holidayRegion'])
    t.same(await faults({ horizonDays: 366 }), ['#/horizonDays'])
    t.same(await faults({ maxPerDay: 0 }), ['#/maxPerDay'])
    t.same(await faults({ version: 7 }), ['#/version'])
    const manyDates = Object.fromEntries(
      Array.from({ length: 401 }, (_, i) => [
        Temporal.PlainDate.from('2026-01-01').add({ days: i }).toString(),
        []
      ])
    )
    t.same(await faults({ overrides: manyDates }), ['#/overrides'])
    t.same(await faults({ weekly: { 1: [from('18:00', '24:00')], 2: [from('00:00', '02:00')] } }), 200)
  })
})
