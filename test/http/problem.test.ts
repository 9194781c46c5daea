import t from 'tap'
import { Problem } from '../../src/http/problem.ts'

t.test('a problem says what happened in the words of RFC 9457', async (t) => {
  const problem = new Problem('validation', 'One field is wrong.', {
    errors: [{ pointer: '#/price', detail: 'must be >= 0' }],
    extension: { reason: 'closed', status: 200 }
  })
  t.same(problem.document('/api/requests/7'), {
    type: 'https://turno.example/problems/validation',
    title: 'Validation failed',
    status: 422,
    detail: 'One field is wrong.',
    instance: '/api/requests/7',
    errors: [{ pointer: '#/price', detail: 'must be >= 0' }],
    reason: 'closed'
  })
})

t.test('a cause is kept for the log and never part of the document', async (t) => {
  const cause = new Error('connect ECONNREFUSED 10.0.0.7:3306')
  const problem = new Problem('unavailable', undefined, { cause })
  t.equal(problem.cause, cause)
  t.notMatch(JSON.stringify(problem.document()), /ECONNREFUSED/)
})

t.test('whoever is told that the service is unavailable is told when to come back', async (t) => {
  t.equal(new Problem('unavailable').headers['retry-after'], '2')
  t.equal(
    new Problem('unavailable', undefined, { headers: { 'retry-after': '30' } }).headers['retry-after'],
    '30'
  )
})
