// What an instance is told when it boots: the script of the launch template, its files, and the settings in them.

import { randomBytes } from 'node:crypto'
import { describeSettings, readSettings, SettingsError } from '../../src/config.ts'
import { at, type Json } from './plan.ts'

/** Of Node itself, not of src/config.ts. */
const nodesOwn = new Set(['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS'])

/** The script that a launch template runs. */
export function scriptOf(launchTemplate: Json): string {
  return Buffer.from(String(at(launchTemplate, 'user_data') ?? ''), 'base64').toString('utf8')
}

/** The files that the script writes, by path: `cat > path <<'END'`. */
export function filesIn(script: string): Map<string, string> {
  const written = script.matchAll(/^cat > (\S+) <<'(\w+)'\n([\s\S]*?)^\2$/gm)
  return new Map([...written].map(([, path = '', , content = '']) => [path, content]))
}

/**
 * What is wrong with the settings that reach the service: names that src/config.ts does not know, and values that it
 * would refuse. A line each.
 */
export function troubleWithSettings(script: string): string[] {
  const known = new Set(describeSettings().map(({ name }) => name))
  const files = filesIn(script)
  const settings = new Map<string, string>()
  // Secrets are lines that a filter of jq prints: "NAME=…". Their values are not here.
  const secrets = new Set<string>()
  for (const [path, content] of files) {
    if (path.endsWith('settings.env'))
      for (const [name, value] of assignments(content)) settings.set(name, value)
    if (path.endsWith('.jq'))
      for (const [, name = ''] of content.matchAll(/"([A-Z][A-Z0-9_]*)=/g)) secrets.add(name)
    if (!/\/turno@?\.service$/.test(path)) continue
    for (const [, words = ''] of content.matchAll(/^Environment=(.*)$/gm))
      for (const [name, value] of assignments(words.replaceAll(' ', '\n'))) settings.set(name, value)
  }
  if (settings.size === 0) return ['no settings: the files of the script are not where they are looked for']
  const strangers = [...settings.keys(), ...secrets].filter((name) => !known.has(name) && !nodesOwn.has(name))
  return [...strangers.map((name) => `${name} is no setting of src/config.ts`), ...refused(settings)]
}

function assignments(text: string): [string, string][] {
  return [...text.matchAll(/^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/gm)].map(([, name = '', value = '']) => [
    name,
    value
  ])
}

/** What the service itself would say of these values, with secrets that are good enough. */
function refused(settings: ReadonlyMap<string, string>): string[] {
  try {
    // systemd puts a port in the place of %i.
    const values = [...settings].map(([name, value]) => [name, value.replaceAll('%i', '4000')] as const)
    readSettings({
      MYSQL_PRIMARY_URL: 'mysql://user:password@host:3306/database',
      JWT_SECRET: randomBytes(32).toString('base64'),
      ...Object.fromEntries(values)
    })
    return []
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return error.lines.filter((line) => settings.has(line.split(' ')[0] ?? ''))
  }
}
