// `node db/seed/digests.ts` writes digests.json anew: run it when a data set is meant to change, and say why in the commit.

import { writeFile } from 'node:fs/promises'
import { digestOf } from './seed.ts'

const digests = { tiny: digestOf('tiny'), seed: digestOf('seed') }
await writeFile(new URL('digests.json', import.meta.url), `${JSON.stringify(digests, null, 2)}\n`)
