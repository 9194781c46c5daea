// What signs access tokens where nobody set a JWT_SECRET.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The secret kept in the private stack's directory: made once, so that tokens outlive a restart. */
export async function developmentSecret(directory: string): Promise<string> {
  const file = join(directory, 'jwt-secret')
  if (!existsSync(file)) {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    // Of two that start at once the first decides.
    await writeFile(file, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx' }).catch(() => {})
  }
  return readFile(file, 'utf8')
}
