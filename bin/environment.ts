// node --import ./bin/environment.ts: for the commands beside `npm start`. Gives them the settings of .env and, where
// nothing else names them, the databases and the secret of this checkout's private stack. What is set already wins.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

for (const file of ['.env', '.local/stack/settings.env']) {
  if (existsSync(root + file)) process.loadEnvFile(root + file)
}
