// Passwords as Argon2id hashes (RFC 9106) in PHC strings. The work is done off the event loop, a few at a time: each takes
// 19 MiB and some 30 ms of a core, which is the point of it, and would be a fine way to stop a service otherwise.

import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Problem } from '../http/problem.ts'

/** OWASP Password Storage Cheat Sheet: the least of its equivalent settings. Memory in KiB. */
const parameters = { memory: 19_456, passes: 2, parallelism: 1 } as const
const saltBytes = 16
const hashBytes = 32

/** Of the four threads that Node has for such work; DNS and compression want some too. */
const atOnce = 2
/** Who comes after these would wait for more than a second or so. */
const mostWaiting = 64

const argon2id = promisify(argon2)

type Stored = { memory: number; passes: number; parallelism: number; salt: Buffer; hash: Buffer }

/**
 * Whether the password is the one that was hashed, and whether its hash is weaker than those made today.
 * @param phc null where there is no such user: the same work is done, and nothing matches
 * @throws Problem `unavailable` when too many wait already
 */
export async function verifyPassword(
  password: string,
  phc: string | null
): Promise<{ matches: boolean; outdated: boolean }> {
  const stored = phc === null ? decoy : parse(phc)
  const hash = await inTurn(() => derive(password, stored))
  const matches = timingSafeEqual(hash, stored.hash) && phc !== null
  const outdated =
    stored.memory < parameters.memory ||
    stored.passes < parameters.passes ||
    stored.salt.length < saltBytes ||
    stored.hash.length < hashBytes
  return { matches, outdated }
}

/**
 * A PHC string for a new password.
 * @throws Problem `unavailable` when too many wait already
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  const hash = await inTurn(() => derive(password, { ...parameters, salt, hash: Buffer.alloc(hashBytes) }))
  const { memory, passes, parallelism } = parameters
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(hash)}`
}

const decoy: Stored = { ...parameters, salt: randomBytes(saltBytes), hash: randomBytes(hashBytes) }

// NIST SP 800-63B-4 §3.1.1.2: one spelling, however a keyboard composes its accents.
function derive(password: string, { salt, hash, ...cost }: Stored): Promise<Buffer> {
  return argon2id('argon2id', {
    ...cost,
    message: password.normalize('NFKC'),
    nonce: salt,
    tagLength: hash.length
  })
}

const form = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([\w+/-]{11,86})\$([\w+/-]{16,86})$/

function parse(phc: string): Stored {
  const [, memory, passes, parallelism, salt = '', hash = ''] = form.exec(phc) ?? []
  if (memory === undefined) throw new Error('a stored password hash is not one of Argon2id')
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64')
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}

let running = 0
const waiting: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running < atOnce) running++
  else if (waiting.length >= mostWaiting)
    throw new Problem('unavailable', 'Too many people sign in at the moment. Try again shortly.')
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await work()
  } finally {
    // Whoever is next takes the place over, so that nobody slips in between.
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}
