// `npm run keys`: a set of keys for JWT_KEYS, and each step of following one key by another. Between two steps every
// instance has to have started with the set that the step before printed.

import { parseArgs } from 'node:util'
import { newTokenKey, readTokenKeys, UnusableKeys } from '../src/token-keys.ts'

const help = `Usage: npm run --silent keys [-- --add | --switch | --retire]

Prints a JWK set for JWT_KEYS: it holds private keys, keep it as you keep passwords. With an option it is made from
the JWT_KEYS of the environment. To follow a key by another one, without refusing a token:

  --add      1. a new key beside the others, which signs nothing yet; roll it out to every instance
  --switch   2. the new key signs, the others are believed still; roll it out
  --retire   3. the key that signs alone, 15 minutes after the last instance has switched; roll it out
`

type Keys = readonly unknown[]

const steps = {
  add: (keys: Keys) => [...keys, newTokenKey()],
  switch: (keys: Keys) => [...keys.slice(-1), ...keys.slice(0, -1)],
  retire: (keys: Keys) => keys.slice(0, 1)
} as const

try {
  process.stdout.write(keysAsked())
} catch (error) {
  if (!(error instanceof Error)) throw error
  process.stderr.write(`${error instanceof UnusableKeys ? `JWT_KEYS ${error.message}` : error.message}\n`)
  process.exitCode = 1
}

function keysAsked(): string {
  const option = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    options: { add: option, switch: option, retire: option, help: { ...option, short: 'h' } }
  })
  if (values.help) return help
  const [step, ...more] = (['add', 'switch', 'retire'] as const).filter((name) => values[name])
  if (more.length > 0) throw new Error('One step at a time: --add, --switch or --retire.')
  const keys = step === undefined ? [newTokenKey()] : steps[step](keysThatAre())
  const text = JSON.stringify({ keys })
  readTokenKeys(text)
  return `${text}\n`
}

function keysThatAre(): Keys {
  const text = process.env.JWT_KEYS
  if (!text) throw new Error('JWT_KEYS is not set: there is nothing to go on from.')
  readTokenKeys(text)
  return JSON.parse(text).keys
}
