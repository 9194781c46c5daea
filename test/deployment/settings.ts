// Settings that stand in a file of a deployment, before the code that will read them.

import { randomBytes } from 'node:crypto'
import { describeSettings, readSettings, SettingsError } from '../../src/config.ts'

/** A line for each name that src/config.ts does not know and each value that it would refuse; secrets are given. */
export function troubleWith(settings: Readonly<Record<string, string>>): string[] {
  const known = new Set(describeSettings().map(({ name }) => name))
  const strangers = Object.keys(settings).filter((name) => !known.has(name))
  const given = {
    MYSQL_PRIMARY_URL: 'mysql://user:password@host:3306/database',
    JWT_SECRET: randomBytes(32).toString('base64')
  }
  try {
    readSettings({ ...given, ...settings })
    return strangers
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    const about = error.lines.filter((line) => (line.split(' ')[0] ?? '') in settings)
    return [...strangers, ...about]
  }
}
