import t from 'tap'
import { runNode } from './node.ts'

t.test('the heap has its limits, whoever starts the service', async (t) => {
  const said = async (...parameters: string[]) => {
    const { pid, ended } = runNode(t, './fixtures/node-flags.ts', { VARIABLE: 'a b' }, parameters)
    const { code, out, err } = await ended
    t.match({ code, err }, { code: 0, err: '' })
    const { limit, ...same } = JSON.parse(out)
    t.strictSame(same, { pid, parameters, variable: 'a b' }, 'it is the same process still')
    return Number(limit)
  }
  // The whole counts three halves of the young generation.
  t.equal(await said('one', '--two'), (224 + 2 * 144 + 3 * 4) * 2 ** 20)
  t.not(await said('--plain'), (224 + 2 * 144 + 3 * 4) * 2 ** 20, 'which Node would not have by itself')
})
