import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { readTokenKeys } from '../../src/token-keys.ts'

const script = fileURLToPath(new URL('../../bin/keys.ts', import.meta.url))
const run = (JWT_KEYS: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, [script, ...args], { env: { JWT_KEYS }, timeout: 60_000 })
const keysOf = async (before: string, ...args: string[]) => {
  const { stdout } = await run(before, ...args)
  return { text: stdout.trim(), ids: readTokenKeys(stdout).map(({ id }) => id) }
}

t.test('three steps lead from one key to another, with both believed in between', async (t) => {
  const first = await keysOf('')
  t.equal(first.ids.length, 1)
  const added = await keysOf(first.text, '--add')
  const [old, next] = added.ids
  t.same([old], first.ids, 'the old one signs')
  t.not(next, old)
  const switched = await keysOf(added.text, '--switch')
  t.same(switched.ids, [next, old])
  t.same((await keysOf(switched.text, '--retire')).ids, [next])
})

t.test('a mistake is one line, and shows no key', async (t) => {
  const { text } = await keysOf('')
  const mistakes: [RegExp, string, ...string[]][] = [
    [/^JWT_KEYS is not set: there is nothing to go on from\.\n$/, '', '--add'],
    [/^JWT_KEYS is not JSON\n$/, text.slice(0, -4), '--switch'],
    [/^One step at a time: --add, --switch or --retire\.\n$/, text, '--add', '--retire'],
    [/^Unknown option '--rotate'.*\n$/, text, '--rotate']
  ]
  for (const [line, keys, ...args] of mistakes)
    await t.rejects(run(keys, ...args), { code: 1, stdout: '', stderr: line })
})
