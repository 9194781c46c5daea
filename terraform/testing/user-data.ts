// What an instance is told when it boots: the script of the launch template, its files, and the settings in them.

import { at, type Json } from './plan.ts'
import { strangers, troubleWith } from './settings.ts'

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
  const files = filesIn(script)
  const settings: Record<string, string> = {}
  // Secrets are lines that a filter of jq prints: "NAME=…". Their values are not here.
  const secrets = new Set<string>()
  for (const [path, content] of files) {
    if (path.endsWith('settings.env'))
      for (const [name, value] of assignments(content)) settings[name] = value
    if (path.endsWith('.jq'))
      for (const [, name = ''] of content.matchAll(/"([A-Z][A-Z0-9_]*)=/g)) secrets.add(name)
    if (!/\/turno@?\.service$/.test(path)) continue
    // systemd puts a port in the place of %i.
    for (const [, words = ''] of content.matchAll(/^Environment=(.*)$/gm))
      for (const [name, value] of assignments(words.replaceAll(' ', '\n').replaceAll('%i', '4000')))
        settings[name] = value
  }
  if (Object.keys(settings).length === 0)
    return ['no settings: the files of the script are not where they are looked for']
  return [...strangers(secrets), ...troubleWith(settings)]
}

function assignments(text: string): [string, string][] {
  return [...text.matchAll(/^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/gm)].map(([, name = '', value = '']) => [
    name,
    value
  ])
}
