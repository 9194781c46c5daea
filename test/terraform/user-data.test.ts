// The script that an instance boots with, as the plan of production has it, before the tools that will read it.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { findProgram } from '../../db/stack/process.ts'
import { environmentsIn } from '../../terraform/testing/environments.ts'
import { PlannedFleet } from '../../terraform/testing/plan.ts'
import { filesIn, scriptOf, troubleWithSettings } from '../../terraform/testing/user-data.ts'
import { initialised, skip } from './fixture.ts'

t.test('an instance boots with a script that its tools understand', { skip }, async (t) => {
  const { terraform, root } = await initialised(t)
  const production = environmentsIn(root).find(({ name }) => name === 'production')
  if (production === undefined) throw new Error('there is no production')
  const fleet = new PlannedFleet(await terraform.foresee(root, production.variablesFiles), root)
  const [template] = fleet.all('aws_launch_template')
  const script = scriptOf(template?.values ?? null)
  const files = filesIn(script)
  const directory = t.testdir()

  await t.test('bash parses it, and the scripts in it', async (t) => {
    const scripts = [script, ...[...files.values()].filter((content) => content.startsWith('#!/bin/bash'))]
    t.ok(scripts.length >= 3)
    for (const one of scripts) t.match(spawnSync('bash', ['-n'], { input: one }), { status: 0 })
  })

  const analyze = findProgram('systemd-analyze')
  await t.test(
    'systemd takes its units',
    { skip: analyze === null && 'there is no systemd-analyze' },
    async (t) => {
      const units = [...files].filter(([path]) => path.startsWith('/etc/systemd/system/'))
      t.ok(units.length >= 3)
      const names = units.map(([path, content]) => {
        // What a unit starts is on the instance, not here.
        const here = content
          .replaceAll(/^(Exec\w+)=.*$/gm, '$1=/bin/true')
          .replaceAll(/^User=.*$/gm, 'User=root')
        const name = basename(path).replace('@.', '@4000.')
        writeFileSync(join(directory, name), here)
        return name
      })
      const options = {
        cwd: directory,
        env: { ...process.env, SYSTEMD_UNIT_PATH: `${directory}:` },
        encoding: 'utf8'
      } as const
      const { stderr } = spawnSync(
        analyze ?? '',
        ['verify', '--man=no', ...names.map((name) => `./${name}`)],
        options
      )
      const about = stderr.split('\n').filter((line) => names.some((name) => line.includes(name)))
      t.same(about, [])
    }
  )

  const jq = findProgram('jq')
  await t.test('jq makes settings of the secret', { skip: jq === null && 'there is no jq' }, async (t) => {
    const [, filter = ''] = [...files].find(([path]) => path.endsWith('.jq')) ?? []
    const secret = { mysqlPassword: 'a/b@c', redisPassword: 'd', settings: { JWT_SECRET: 'e' } }
    const { stdout } = spawnSync(jq ?? '', ['-er', filter], {
      input: JSON.stringify(secret),
      encoding: 'utf8'
    })
    const lines = stdout.trim().split('\n')
    t.match(lines[0], /^MYSQL_PRIMARY_URL=mysql:\/\/\w+:a%2Fb%40c@/)
    const names = lines.map((line) => line.split('=')[0])
    for (const name of ['MYSQL_REPLICA_URLS', 'REDIS_URL', 'JWT_SECRET']) t.ok(names.includes(name), name)
  })
})

t.test('a setting that nobody knows, or with a value that nobody takes, is named', async (t) => {
  const script = (settings: string) => `cat > /etc/turno/settings.env <<'END'\n${settings}\nEND\n`
  t.same(troubleWithSettings(script('PORT=4000')), [])
  t.same(troubleWithSettings(script('PROT=4000')), ['PROT is no setting of src/config.ts'])
  t.match(troubleWithSettings(script('PORT=many')), [/^PORT is "many"/])
  t.match(troubleWithSettings(script('DRAIN_MS=9000\nSHUTDOWN_MS=8000')), [/^DRAIN_MS has to be less/])
  t.match(troubleWithSettings('echo'), [/^no settings/])
})
