import { setTimeout as elapsed } from 'node:timers/promises'
import t from 'tap'
import { gathered } from '../src/log-lines.ts'
import { runNode } from './node.ts'
import { until } from './until.ts'

function output() {
  const written: string[] = []
  return {
    written,
    write: (text: string) => void written.push(text),
    flushSync: () => void written.push('now')
  }
}

t.test('lines go out together, when they are many or after a while', async (t) => {
  const out = output()
  const lines = gathered(out)
  lines.write('one\n')
  lines.write('two\n')
  await elapsed(1)
  t.same(out.written, [])
  await until('a while is over', () => out.written.length > 0)
  t.same(out.written, ['one\ntwo\n'])
  const long = `${'x'.repeat(8_000)}\n`
  lines.write(long)
  lines.write(long)
  t.same(out.written.slice(1), [long + long], 'at once, in their order')
})

t.test('who asks for it has them out at once', (t) => {
  const out = output()
  const lines = gathered(out)
  lines.write('the last\n')
  lines.flushSync()
  t.same(out.written, ['the last\n', 'now'])
  t.end()
})

t.test('what is there when the process ends is written', async (t) => {
  const { ended } = runNode(t, './fixtures/log-lines.ts', {})
  t.match(await ended, { code: 3, out: 'the last line\n', err: '' })
})
