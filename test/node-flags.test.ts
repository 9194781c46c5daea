import t from 'tap'
import { runNode } from './node.ts'

t.test('the young generation stays small, whoever starts the service', async (t) => {
  const said = async (...parameters: string[]) => {
    const { pid, ended } = runNode(t, './fixtures/node-flags.ts', { VARIABLE: 'a b' }, parameters)
    const { code, out, err } = await ended
    t.match({ code, err }, { code: 0, err: '' })
    const { limit, ...same } = JSON.parse(out)
    t.strictSame(same, { pid, parameters, variable: 'a b' }, 'it is the same process still')
    return Number(limit)
  }
  // The limit of the whole counts three halves of the young generation: at least 16 MiB each, as Node has it, or 4.
  const less = (await said('--plain')) - (await said('one', '--two'))
  t.ok(less >= 3 * (16 - 4) * 2 ** 20, `${less} bytes less`)
})
