// `npm run settings`: writes what src/config.ts says into .env.example and between the README's settings marks.

import { readFile, writeFile } from 'node:fs/promises'
import { environmentExample, settingsTable } from '../src/config.ts'

const readme = new URL('../README.md', import.meta.url)
const marked = /(?<=<!-- settings -->\n)[\s\S]*?(?=<!-- end of settings -->)/

await writeFile(new URL('../.env.example', import.meta.url), environmentExample())
await writeFile(
  readme,
  (await readFile(readme, 'utf8')).replace(marked, () => settingsTable())
)
