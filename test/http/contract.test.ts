import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { engines } from '../engines.ts'
import { checkContract } from './contract.ts'
import { checkExamples } from './examples.ts'

const id = '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50'

t.test('every route refuses every mistake with a documented problem', async (t) => {
  const { settings } = await engines(t, { scale: 'tiny' })
  const app = await buildApp(settings)
  t.teardown(() => app.close())
  await app.ready()

  const callers = {
    current: `Bearer ${app.signToken({ id, role: 'therapist' }, 600)}`,
    admin: `Bearer ${app.signToken({ id, role: 'admin' }, 600)}`,
    expired: `Bearer ${app.signToken({ id, role: 'therapist' }, -60)}`
  }
  await checkContract(t, app, callers, settings.http.bodyLimitBytes)

  const document = (await app.inject('/openapi.json')).json()
  t.same(checkExamples(document).refused, [], 'every example in the document is one')
})
