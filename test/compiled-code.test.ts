// What Node makes of the source files is made once. The fixture is such a file itself.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { runNode } from './node.ts'

async function run(directory: string, environment: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const kept = { NODE_COMPILE_CACHE: directory, ...environment }
  const { code, out, err } = await runNode(t, './fixtures/compiled-code.ts', kept).ended
  t.match({ code, err }, { code: 0, err: '' })
  return out.trim().split('\n')
}

t.test('who had to strip types begins anew without, and nobody after it has to', async (t) => {
  const directory = t.testdir()
  t.strictSame(await run(directory), ['begins, stripped', 'begins', 'goes on'])
  t.strictSame(await run(directory), ['begins', 'goes on'])
})

t.test('where nothing can be kept it goes on as it is', async (t) => {
  const below = join(fileURLToPath(import.meta.url), 'nothing')
  t.strictSame(await run(below), ['begins, stripped', 'goes on'])
  const disabled = await run(t.testdir(), { NODE_DISABLE_COMPILE_CACHE: '1' })
  t.strictSame(disabled, ['begins, stripped', 'goes on'])
})
