// The secret of a checkout where nobody set JWT_SECRET. It signs cursors and consistency tokens, and the key of access
// tokens is derived from it.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The secret kept in the private stack's directory: made once, so that tokens outlive a restart. */
export async function developmentSecret(directory: string): Promise<string> {
  const file = join(directory, 'jwt-secret')
  if (!existsSync(file)) {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const aside = `${file}.${randomBytes(6).toString('hex')}`
    await writeFile(aside, randomBytes(48).toString('base64url'), { mode: 0o600 })
    // Of two that start at once the first decides, and nobody reads half of it.
    await link(aside, file).catch(() => {})
    await rm(aside)
  }
  return readFile(file, 'utf8')
}
