// Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a write that is sent again is answered again, not done
// again. The key is written in the transaction of the change itself, so that a crash leaves neither without the other.
import { hash } from 'node:crypto'
import { and, asc, eq, lt, sql } from 'drizzle-orm'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { duplicateKey, errnoOf, lockWaitTimeout } from '../../db/refusal.ts'
import { idempotencyKeys } from '../../db/schema.ts'
import type { Transaction, Written } from '../cache/cache.ts'
import { bytesFrom, Content } from '../cache/content.ts'
import type { Database } from '../cache/view.ts'
import { sendOwn } from './finished.ts'
import { Problem, problemContentType } from './problem.ts'
import { fieldsOfChange } from './written.ts'

/** What a write answers with, ready to be sent and to be kept. */
export type Outcome = {
  status: number
  headers: Readonly<Record<string, string>>
  /** As text, or what a view has made: its bytes are sent as they are. */
  body: string | Content
  /** For the audit trail: noted when it is committed, if anything has changed; not again for a replay. */
  act?: Parameters<FastifyInstance['audit']['record']>[0]
}

/** For the `headers` schema of routes that use `writeOnce`. */
export const IdempotencyHeaders = {
  'idempotency-key': Type.Optional(
    Type.String({
      maxLength: 200,
      description:
        'Any text of 1 to 64 visible characters, new for each wish: the same request with the same key is done once and answered alike for 24 hours.',
      examples: ['"0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50"']
    })
  )
}

/** So long is an answer kept. */
const keptMs = 24 * 3_600_000
const sweepBatch = 1_000
/** Of routes without a caller. Their keys are told apart by what is sent: without the same body nobody gets the answer. */
const nobody = '00000000-0000-0000-0000-000000000000'

type Key = { userId: string; route: string; ikey: string; fingerprint: Buffer }
type Done = { outcome: Outcome; tags: readonly string[]; replayed?: boolean }

/**
 * Runs `work` in one transaction and answers with its outcome; with an Idempotency-Key, once for all requests that carry
 * it. A refusal that would be the same again (4xx but 401, 408 and 429) is kept like a success: what `work` had changed
 * by then is undone and its touches are dropped, so that a refusal makes no cache forget anything.
 * @param withoutKey does the same in another way where no key asks for it to be remembered, such as together with others
 * @throws Problem `invalid-parameter` for a malformed key, `idempotency-key-reused` for another request with a known
 *   key, `request-in-progress` while the first is being worked on, and what `work` throws
 */
export async function writeOnce(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (transaction: Transaction) => Promise<Outcome>,
  withoutKey?: () => Promise<Written<Pick<Done, 'outcome' | 'tags'>>>
): Promise<void> {
  const key = keyOf(request)
  const written = await (key === null && withoutKey
    ? withoutKey()
    : app.cache.write((transaction) =>
        key === null ? attempt(transaction, work) : attemptOnce(transaction, key, request.id, work)
      ))
  const { outcome, tags } = written.result
  if (outcome.act !== undefined && tags.length > 0) app.audit.record(outcome.act, request)
  answer(app, reply, written)
  // A reply is a promise of itself having been sent.
  return reply
}

/** Forgets keys older than a day, a batch of them at most. @returns how many */
export async function sweepIdempotencyKeys(database: Database): Promise<number> {
  const before = new Date(Date.now() - keptMs).toISOString()
  const [result] = await database
    .delete(idempotencyKeys)
    .where(lt(idempotencyKeys.createdAt, before))
    .orderBy(asc(idempotencyKeys.createdAt))
    .limit(sweepBatch)
  return result.affectedRows
}

async function attempt(
  transaction: Transaction,
  work: (transaction: Transaction) => Promise<Outcome>
): Promise<Done> {
  const tags: string[] = []
  const atItsEnd: (() => void)[] = []
  const outcome = await work({
    send: transaction.send,
    get database() {
      return transaction.database
    },
    touch: (...touched) => void tags.push(...touched),
    atEnd: (statement) => void atItsEnd.push(() => transaction.atEnd(statement)),
    keep: (...kept) => void atItsEnd.push(() => transaction.keep(...kept))
  })
  transaction.touch(...tags)
  for (const promised of atItsEnd) promised()
  return { outcome, tags, replayed: false }
}

// The key comes first: whoever brings the same one waits here until the first has committed, and then finds its answer.
async function attemptOnce(
  transaction: Transaction,
  key: Key,
  requestId: string,
  work: (transaction: Transaction) => Promise<Outcome>
): Promise<Done> {
  const { database } = transaction
  const known = await claim(database, key)
  if (known) return { outcome: known, tags: [], replayed: true }
  await database.execute(sql`SAVEPOINT work`)
  let done: Done
  try {
    done = await attempt(transaction, work)
  } catch (error) {
    if (!(error instanceof Problem) || !isDeterministic(error)) throw error
    // Committed, not rolled back: a rollback of the key wakes all who wait for it at once, to deadlock with each other.
    await database.execute(sql`ROLLBACK TO SAVEPOINT work`)
    done = { outcome: refusal(error, requestId), tags: [], replayed: false }
  }
  const { status, headers } = done.outcome
  const body = done.outcome.body instanceof Content ? done.outcome.body.text : done.outcome.body
  await database.update(idempotencyKeys).set({ status, headers, body }).where(isKey(key))
  return done
}

/** Makes the key this transaction's own. @returns the answer that it has already */
async function claim(database: Database, key: Key): Promise<Outcome | null> {
  try {
    await database.insert(idempotencyKeys).values({ ...key, createdAt: new Date().toISOString() })
    return null
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === lockWaitTimeout) throw inProgress()
    if (errno !== duplicateKey) throw error
  }
  const [row] = await database.select().from(idempotencyKeys).where(isKey(key))
  // Swept in this very moment.
  if (!row || row.status === null) throw inProgress()
  const before = Date.now() - keptMs
  if (Date.parse(row.createdAt) < before) {
    // Its day is over and nobody has swept: the key is as good as new. Not one that another has made new meanwhile.
    const isOld = lt(idempotencyKeys.createdAt, new Date(before).toISOString())
    await database.delete(idempotencyKeys).where(and(isKey(key), isOld))
    return claim(database, key)
  }
  if (!row.fingerprint.equals(key.fingerprint)) {
    throw new Problem('idempotency-key-reused', 'This key came with another request: use a new one.')
  }
  return { status: row.status, headers: row.headers ?? {}, body: row.body ?? '' }
}

function answer(app: FastifyInstance, reply: FastifyReply, { result, stamp }: Written<Done>): void {
  const { outcome, tags, replayed } = result
  const { status, headers, body } = outcome
  const all = {
    ...fieldsOfChange(app.consistency, tags, stamp),
    ...(replayed && { 'idempotency-replayed': 'true' }),
    ...headers
  }
  // As bytes, which no serialiser touches: a replay is what the first answer was.
  const bytes = body instanceof Content ? body.body('identity') : bytesFrom(Buffer.from(body))
  sendOwn(reply.code(status), all, bytes)
}

function refusal(problem: Problem, requestId: string): Outcome {
  return {
    status: problem.status,
    headers: { 'content-type': problemContentType, 'cache-control': 'no-store', ...problem.headers },
    body: JSON.stringify(problem.document(`/api/requests/${requestId}`))
  }
}

/** The same request would be refused again. That somebody may not now, or comes too often, passes. */
function isDeterministic({ status }: Problem): boolean {
  return status >= 400 && status < 500 && ![401, 408, 429].includes(status)
}

// A structured field's string (RFC 9651 §3.3.3), and bare, as many clients send it. No escapes: keys have no quotes.
const form = /^(?:"([\x21\x23-\x5b\x5d-\x7e]{1,64})"|([\x21\x23-\x5b\x5d-\x7e]{1,64}))$/

function keyOf(request: FastifyRequest): Key | null {
  const header = request.headers['idempotency-key']
  if (header === undefined) return null
  const [, quoted, bare] = (typeof header === 'string' && form.exec(header)) || []
  const ikey = quoted ?? bare
  if (ikey === undefined) {
    throw new Problem('invalid-parameter', undefined, {
      errors: [{ parameter: 'Idempotency-Key', detail: 'has to be 1 to 64 visible characters, in quotes' }]
    })
  }
  return {
    userId: request.caller?.id ?? nobody,
    route: `${request.method} ${request.routeOptions.url}`,
    ikey,
    fingerprint: hash('sha256', `${request.url}\n${JSON.stringify(request.body)}`, 'buffer')
  }
}

function isKey({ userId, route, ikey }: Key) {
  return and(
    eq(idempotencyKeys.userId, userId),
    eq(idempotencyKeys.route, route),
    eq(idempotencyKeys.ikey, ikey)
  )
}

function inProgress(): Problem {
  return new Problem('request-in-progress', 'The first request with this key is still being worked on.', {
    headers: { 'retry-after': '1' }
  })
}
