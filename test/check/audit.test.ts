// The short version of `npm run check:audit`.
import { join } from 'node:path'
import t from 'tap'
import { checkDelivery } from '../../check/audit/delivery.ts'
import { engines } from '../engines.ts'

t.test('consumers killed at random: each acknowledged entry is in the table once', async (t) => {
  const stack = await engines(t, { replicas: 0, scale: 'empty' })
  const { acknowledgedAfter, writtenAfter, ...delivery } = await checkDelivery({
    stack,
    spoolDirectory: join(stack.settings.audit.spoolDirectory, 'check'),
    entries: 8_000,
    consumers: 3,
    killEvery: 1_500,
    signal: new AbortController().signal
  })
  t.match(delivery, { entries: 8_000, acknowledged: 8_000, dropped: 0, lost: 0, strange: 0, left: 0 })
  t.ok(
    delivery.orphaned > 0,
    `${delivery.kills} were killed, with ${delivery.orphaned} entries in their hands`
  )
  t.ok(acknowledgedAfter <= writtenAfter)
})
