// Answers a GET from a view: conditional requests, encodings, HEAD, `fields`, and headers that say honestly where the
// answer came from and how long it may be kept. On a hit it only looks things up.
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Answer, type Cache, nameOf } from '../cache/cache.ts'
import type { Bytes, Content, Encoding } from '../cache/content.ts'
import type { Layer } from '../cache/events.ts'
import type { Repeating } from './at-hand.ts'
import { entityTag, matchIfNoneMatch, representationTag } from './conditional.ts'
import { type ConsistencyTokens, consistencyHeader } from './consistency.ts'
import { negotiateEncoding } from './encoding.ts'
import { type Head, type Headers, headOf, sendFinished } from './finished.ts'
import { Problem } from './problem.ts'
import type { View } from './view.ts'

type Asking = Pick<
  FastifyRequest,
  'id' | 'headers' | 'quota' | 'raw' | 'caller' | 'routeOptions' | 'params' | 'method'
> & {
  server: { cache: Cache; consistency: ConsistencyTokens; securityHeaders: Headers }
  answeredBy: Layer | null
  /** Where the same URL always asks for the same entry. */
  repeating: Repeating | null
}

/** Made once per content, while it is asked for. */
type Prepared = {
  kept: Headers
  next: string | null
  heads: Record<Standing, Heads | null>
}
/** How an entry at hand stands, which its Cache-Status tells. */
type Standing = 'hit' | 'revalidating' | 'afterError'
/** Each made at first need. `known`: of a 304, by the tag that it names: one for each encoding at most. */
type Heads = { whole: Partial<Record<Encoding, Head>>; known: Partial<Record<string, Head>> | null }
let preparations = new WeakMap<Content, Prepared>()
let preparationsMade = 0
/**
 * After so many they are all made anew: they weigh more than the entries themselves, and few entries get most of the
 * hits. The popular are there again with their next reader.
 */
const mostPreparations = 1_024

/**
 * Answers with the view's representation for these parameters.
 * @param fields names to answer with instead of the whole; the view must say how to project
 * @throws Problem `not-found` for what is absent, `not-acceptable` for a client that takes no JSON
 */
export function serve<P, V>(
  request: Asking,
  reply: FastifyReply,
  view: View<P, V>,
  parameters: P,
  fields?: readonly string[]
): void {
  checkAccepts(request)
  const found = find(request, view, parameters)
  if (!(found instanceof Promise)) {
    answer(request, reply, view, parameters, found, fields)
    return
  }
  found
    .then((found) => answer(request, reply, view, parameters, found, fields))
    .catch((error) => reply.send(error))
}

/**
 * Answers with what is made of several entries of a view at this moment, in all else as with one: absent when any of them
 * is, and as far away as the furthest.
 * @param make the representation of the entries' contents, in their order; its tag is its own
 */
export async function serveMade<P, V>(
  request: Asking,
  reply: FastifyReply,
  view: View<P, V>,
  parameters: readonly [P, ...P[]],
  make: (contents: readonly [Content, ...Content[]]) => Content
): Promise<FastifyReply> {
  checkAccepts(request)
  const [first, ...others] = parameters
  const [nearest, ...found] = await Promise.all([
    find(request, view, first),
    ...others.map((each) => find(request, view, each))
  ])
  const furthest = found.reduce(
    (one, other) => (distance[other.layer] > distance[one.layer] ? other : one),
    nearest
  )
  const absent = [nearest, ...found].find(({ content }) => content.absent)
  const contents = [nearest.content, ...found.map(({ content }) => content)] as const
  return answer(request, reply, view, first, absent ?? { ...furthest, content: make(contents) }, undefined)
}

/** The entry of a view for these parameters, for a route that answers with something else. */
export function find<P, V>(
  request: Pick<Asking, 'headers' | 'server'>,
  view: View<P, V>,
  parameters: P
): Answer | Promise<Answer> {
  const { cache, consistency } = request.server
  const key = view.key(parameters)
  const token = request.headers[consistencyHeader]
  const found = token === undefined ? cache.hit(view.cached, key, parameters) : undefined
  return found ?? cache.read(view.cached, key, parameters, consistency.read(token))
}

const distance: Record<Layer, number> = { l1: 0, stale: 1, redis: 2, replica: 3, primary: 4 }

const acceptable = /(?:^|,)\s*(?:\*\/\*|application\/(?:\*|json))\s*(?:;|,|$)/i

function checkAccepts({ headers: { accept } }: Asking): void {
  if (accept === undefined || takesAnything(accept)) return
  if (!acceptable.test(accept)) throw new Problem('not-acceptable')
}

/** What nearly all clients of an API send, and what needs no closer look. */
export function takesAnything(accept: string | undefined): boolean {
  return accept === undefined || accept === '*/*' || accept === 'application/json'
}

/** Another form of what a view holds, made of its value at each request: a calendar file, a list with its parts. */
export type Form<V> = {
  /** Content-Type. */
  type: string
  write(value: V): string | Promise<string>
  /** What asks for the same form of the next page, `&name=value`. */
  again?: string
}

/**
 * Answers with another form of a view's entry, with a tag of its own.
 * @throws Problem `not-found` for what is absent
 */
export async function serveForm<P, V>(
  request: Asking,
  reply: FastifyReply,
  view: View<P, V>,
  parameters: P,
  { type, write, again }: Form<V>
): Promise<void> {
  const found = await find(request, view, parameters)
  begin(request, reply, view, parameters, found, again)
  const value: V = JSON.parse(found.content.text)
  // A reply is a promise of itself having been sent.
  return sendForm(request, reply, type, await write(value), view.version?.(value))
}

function answer<P, V>(
  request: Asking,
  reply: FastifyReply,
  view: View<P, V>,
  parameters: P,
  found: Answer,
  fields: readonly string[] | undefined
): FastifyReply {
  const isAtHand = found.layer === 'l1' || found.layer === 'stale'
  if (isAtHand && !fields && !found.content.absent) {
    answerHit(request, reply, view, parameters, found)
    return reply
  }
  const { content } = found
  const again = fields && `&fields=${fields.join(',')}`
  begin(request, reply, view, parameters, found, again)
  if (fields) return answerSelection(request, reply, view, content, fields)

  const known = matchIfNoneMatch(request.headers['if-none-match'], content.tag)
  if (known !== null) return reply.code(304).header('etag', known).send()

  const encoding = content.encodingFor(negotiateEncoding(request.headers['accept-encoding']))
  return reply.headers(wholeHeaders(content, encoding)).send(content.buffer(encoding))
}

// The same answer as that of any other layer, from a head that was made for this entry and encoding before.
function answerHit<P, V>(
  request: Asking,
  reply: FastifyReply,
  view: View<P, V>,
  parameters: P,
  found: Answer
): void {
  const { headers, server, repeating } = request
  request.answeredBy = found.layer
  const { head, body, moment } = finished(headers, server.securityHeaders, view, parameters, found)
  // What the route has said besides is not known to whoever passes it by.
  if (repeating !== null && Object.keys(reply.getHeaders()).length === 0) {
    const name = nameOf(view.cached, view.key(parameters))
    repeating.remember(request, {
      hit: () => server.cache.hitNamed(view.cached, name, parameters),
      finished: (headers, found) => finished(headers, server.securityHeaders, view, parameters, found)
    })
  }
  sendFinished(request, reply, head, body, moment)
}

/** What an entry at hand is answered with. `moment`: fields of this answer alone. */
export type Finished = { head: Head; body: Bytes; moment: Headers }

function finished<P, V>(
  headers: IncomingHttpHeaders,
  security: Headers,
  view: View<P, V>,
  parameters: P,
  found: Answer
): Finished {
  const { content } = found
  const prepared = prepare(view, parameters, content)
  const standing = standingOf(found, view.staleBudgetMs)
  prepared.heads[standing] ??= { whole: {}, known: null }
  const heads = prepared.heads[standing]
  const moment = ofTheMoment(headers, view, found)
  const known = matchIfNoneMatch(headers['if-none-match'], content.tag)
  if (known !== null) {
    heads.known ??= {}
    heads.known[known] ??= headOf(304, { ...lasting(security, prepared, standing), etag: known })
    return { head: heads.known[known], body: '', moment }
  }
  const encoding = content.encodingFor(negotiateEncoding(headers['accept-encoding']))
  const body = content.body(encoding)
  heads.whole[encoding] ??= headOf(200, {
    ...lasting(security, prepared, standing),
    ...wholeHeaders(content, encoding),
    'content-length': String(body.length)
  })
  return { head: heads.whole[encoding], body, moment }
}

/** What nearly every hit says. */
const nothing: Headers = {}

/** What is different each time it is sent. */
function ofTheMoment<P, V>(
  headers: IncomingHttpHeaders,
  view: View<P, V>,
  { layer, ageMs }: Answer
): Headers {
  const stale = layer === 'stale'
  const atEdge = view.edge !== null && headers['surrogate-capability'] !== undefined
  if (!stale && !atEdge) return nothing
  return {
    ...(stale && { age: String(Math.ceil(ageMs / 1000)) }),
    ...(atEdge && { 'x-accel-expires': stale ? '0' : thisSecond() })
  }
}

function lasting(security: Headers, { kept, next }: Prepared, standing: Standing): Headers {
  return {
    ...security,
    ...kept,
    ...(next !== null && { link: `<${next}>; rel="next"` }),
    'cache-status': statusAtHand[standing]
  }
}

function wholeHeaders(content: Content, encoding: Encoding): Headers {
  return {
    'content-type': 'application/json; charset=utf-8',
    etag: entityTag(content.tag, encoding),
    ...(encoding !== 'identity' && { 'content-encoding': encoding })
  }
}

/** What every answer from an entry says of it, whatever form it then has. @throws Problem `not-found` for what is absent */
function begin<P, V>(
  request: Asking,
  reply: FastifyReply,
  view: View<P, V>,
  parameters: P,
  found: Answer,
  again = ''
): Prepared {
  const { content, layer } = found
  request.answeredBy = layer
  reply.header('cache-status', cacheStatus(found, view.staleBudgetMs))
  reply.headers(ofTheMoment(request.headers, view, found))
  if (content.absent) throw new Problem('not-found')
  const prepared = prepare(view, parameters, content)
  reply.headers(prepared.kept)
  if (prepared.next !== null) reply.header('link', `<${prepared.next}${again}>; rel="next"`)
  return prepared
}

// One cached object, many projections: a selection is cut from the whole and not kept.
function answerSelection<P, V>(
  request: Asking,
  reply: FastifyReply,
  view: View<P, V>,
  content: Content,
  fields: readonly string[]
): FastifyReply {
  if (!view.project) throw new Error(`the view ${view.name} does not say how to select fields`)
  const value: V = JSON.parse(content.text)
  const body = JSON.stringify(view.project(value, fields))
  return sendForm(request, reply, 'application/json; charset=utf-8', body, view.version?.(value))
}

function sendForm(
  request: Asking,
  reply: FastifyReply,
  type: string,
  body: string,
  version: number | undefined
): FastifyReply {
  const tag = representationTag(body, version)
  const known = matchIfNoneMatch(request.headers['if-none-match'], tag)
  if (known !== null) return reply.code(304).header('etag', known).send()
  return reply.type(type).header('etag', entityTag(tag, 'identity')).send(body)
}

function prepare<P, V>(view: View<P, V>, parameters: P, content: Content): Prepared {
  const known = preparations.get(content)
  if (known) return known
  const groups = view.groups(parameters)
  const kept: Headers = {
    'cache-control': view.browser,
    // What only its owner may see depends on who asks: a cache that keeps it all the same must not give it to others.
    vary: `accept-encoding${view.edge === null ? ', authorization' : ''}${view.otherForms ? ', accept' : ''}`,
    ...(view.edge !== null && {
      'cdn-cache-control': view.edge,
      'cache-tag': groups.join(','),
      'cache-groups': groups.map((group) => `"${group}"`).join(', ')
    })
  }
  const next = view.next?.(parameters, JSON.parse(content.text)) ?? null
  const heads = { hit: null, revalidating: null, afterError: null }
  const prepared: Prepared = { kept, next, heads }
  if (++preparationsMade > mostPreparations) {
    preparations = new WeakMap()
    preparationsMade = 1
  }
  preparations.set(content, prepared)
  return prepared
}

let second = 0
let secondAsHeader = ''

// What an nginx in front keeps ends with the second in which it was made: a life of one second, counted in whole ones
// as nginx does, would last for up to two. What is stale already it does not keep at all, so that the two lives never
// add up. docs/decisions/0004-edge-life.md.
function thisSecond(): string {
  const current = Math.floor(Date.now() / 1000)
  if (current !== second) {
    second = current
    secondAsHeader = `@${current}`
  }
  return secondAsHeader
}

function standingOf({ layer, ageMs }: Answer, budgetMs: number): Standing {
  if (layer !== 'stale') return 'hit'
  return ageMs < budgetMs ? 'revalidating' : 'afterError'
}

/** RFC 9211: one member per layer that was asked, nearest to the origin first. */
function cacheStatus(found: Answer, budgetMs: number): string {
  const { layer, shared } = found
  switch (layer) {
    case 'l1':
    case 'stale':
      return statusAtHand[standingOf(found, budgetMs)]
    case 'redis':
      return 'turno-redis; hit, turno-l1; fwd=miss; stored'
    case 'replica':
      return shared ? loadedFromReplica.shared : loadedFromReplica.alone
    case 'primary':
      return shared ? loadedFromPrimary.shared : loadedFromPrimary.alone
  }
}

const statusAtHand: Record<Standing, string> = {
  hit: 'turno-l1; hit',
  revalidating: 'turno-l1; hit; detail=stale-while-revalidate',
  afterError: 'turno-l1; hit; detail=stale-if-error'
}
const loadedFromReplica = loadedFrom('replica')
const loadedFromPrimary = loadedFrom('primary')

function loadedFrom(origin: string) {
  return {
    shared: `turno-redis; fwd=miss; stored; detail=${origin}, turno-l1; fwd=miss; stored`,
    alone: `turno-l1; fwd=miss; stored; detail=${origin}`
  }
}
