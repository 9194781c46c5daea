// npm run tf, as an engineer has it.

import { readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findProgram } from '../../db/stack/process.ts'
import { runNode } from '../node.ts'
import { until } from '../until.ts'
import { skip } from './fixture.ts'

t.test('without terraform it says so in one line', async (t) => {
  const run = runNode(t, '../bin/terraform.ts', { PATH: t.testdir() }, ['--quick'])
  const { code, err } = await run.ended
  t.equal(code, 1)
  t.match(err, /^turno: terraform is not installed: .*\n$/)
})

t.test('what it does not know it names', async (t) => {
  const { code, err } = await runNode(t, '../bin/terraform.ts', { PATH: process.env.PATH }, ['--fast']).ended
  t.equal(code, 1)
  t.match(err, /^turno: Unknown option '--fast'/)
})

t.test('Ctrl-C ends it at once and leaves no process and no file', { skip }, async (t) => {
  // A terraform that never ends, and says that it runs.
  const folder = t.testdir({ temporary: {}, bin: {} })
  const program = join(folder, 'bin', 'terraform')
  symlinkSync(findProgram('sleep') ?? '', join(folder, 'bin', 'sleep'))
  writeFileSync(program, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 })
  const environment = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    TMPDIR: join(folder, 'temporary')
  }
  const run = runNode(t, '../bin/terraform.ts', environment, ['--quick'])
  const copies = () =>
    readdirSync(join(folder, 'temporary')).flatMap((name) => readdirSync(join(folder, 'temporary', name)))
  await until('it has begun', () => copies().includes('copy-1'))
  run.kill('SIGINT')
  t.equal((await run.ended).code, 130)
  t.same(readdirSync(join(folder, 'temporary')), [])
})
