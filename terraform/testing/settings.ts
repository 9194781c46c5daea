// Settings that stand in a file of a deployment, before the code that will read them.

import { randomBytes } from 'node:crypto'
import { describeSettings, readSettings, SettingsError } from '../../src/config.ts'

/** Of Node itself, not of src/config.ts. */
const nodesOwn = new Set(['NODE_COMPILE_CACHE', 'NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS'])

/** A line for each name that src/config.ts does not know. */
export function strangers(names: Iterable<string>): string[] {
  const known = new Set(describeSettings().map(({ name }) => name))
  const isStrange = (name: string) => !known.has(name) && !nodesOwn.has(name)
  return [...names].filter(isStrange).map((name) => `${name} is no setting of src/config.ts`)
}

/** The same, and a line for each value that it would refuse. What is secret is not in such a file: good ones are given. */
export function troubleWith(settings: Readonly<Record<string, string>>): string[] {
  const secrets = {
    MYSQL_PRIMARY_URL: 'mysql://user:password@host:3306/database',
    REDIS_URL: 'redis://host:6379',
    JWT_SECRET: randomBytes(32).toString('base64')
  }
  try {
    readSettings({ ...secrets, ...settings })
    return strangers(Object.keys(settings))
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    const about = error.lines.filter((line) => (line.split(' ')[0] ?? '') in settings)
    return [...strangers(Object.keys(settings)), ...about]
  }
}
