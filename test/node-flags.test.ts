import t from 'tap'
import { runNode } from './node.ts'

t.test('the heap has its limits, whoever starts the service', async (t) => {
  const said = async (...parameters: string[]) => {
    const { pid, ended } = runNode(t, './fixtures/node-flags.ts', { VARIABLE: 'a b' }, parameters)
    const { code, out, err } = await ended
    t.match({ code, err }, { code: 0, err: '' })
    const { limit, arenas, ...same } = JSON.parse(out)
    t.strictSame(same, { pid, parameters, variable: 'a b' }, 'it is the same process still')
    return { limit, arenas }
  }
  // Of 144 MiB of entries 14 lie in the heap. The whole counts three halves of the young generation.
  const limit = (224 + 2 * 14 + 3 * 4) * 2 ** 20
  t.strictSame(await said('one', '--two'), { limit, arenas: '1' })
  t.notMatch(await said('--plain'), { limit }, 'which Node would not have by itself')
})
