// Answers what is asked for again and again before Fastify sees it. A URL always asks some routes for the same entry of the
// cache: what such a route has found out once, which entry that is, need not be found out each time by routing, reading and
// checking. What may change with each request is looked at as ever: limits, the token and its session, load, the entry
// itself. Whatever is out of the ordinary is left to Fastify, which answers the same. docs/decisions/0013-at-hand.md.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Caller, Recalled } from '../../plugins/auth.ts'
import type { Answer } from '../cache/cache.ts'
import type { Layer } from '../cache/events.ts'
import type { QuotaFields } from '../limits/fields.ts'
import { joinedQuota } from '../limits/fields.ts'
import type { RoughGuard } from '../limits/guard.ts'
import { describeRequest, type RequestDescription } from '../log.ts'
import type { Requests, RouteDurations } from '../requests.ts'
import { consistencyHeader } from './consistency.ts'
import { linesOf, writeFinished } from './finished.ts'
import { type Finished, takesAnything } from './serve.ts'

/** How the entry that a URL asks for is looked up, and what is answered with it. */
export type Lookup = {
  /** Undefined: this process cannot tell by itself, at this moment. */
  hit(): Answer | undefined
  finished(headers: IncomingHttpHeaders, found: Answer): Finished
}

/** A route of which the same URL, from the same caller, always asks for the same entry and does nothing else. */
export type Repeating = {
  remember(
    request: Pick<FastifyRequest, 'raw' | 'caller' | 'routeOptions' | 'params' | 'method'>,
    lookup: Lookup
  ): void
}

type Route = { guards: readonly RoughGuard[]; durations: RouteDurations }
type Known = { route: Route; lookup: Lookup; description: RequestDescription }

/** URLs of everybody, and of one caller. A life of many of them is what few entries get nearly all hits with. */
const mostKnown = 4_096
const mostOfCaller = 16
/** Longer ones are not worth their bytes. */
const longestUrl = 512

export type AtHandParts = {
  requests: Requests
  load: { readonly tooMuch: boolean }
  /** What the connection tells, or a proxy that is trusted. */
  addressOf(request: IncomingMessage): string
  idOf(request: IncomingMessage): string
  /** Who sends this Authorization, where that is known without checking a signature. */
  recall(authorization: string | undefined): Recalled | undefined
  /** Whether the token's session is known to live, without asking anybody. */
  isAlive(recalled: Recalled): boolean
  /** A span is to be made of it. */
  isTraced(headers: IncomingHttpHeaders): boolean
  /** All that is told of an answer that has been sent. */
  sent(answer: Sent): void
}

export type Sent = {
  description: RequestDescription
  headers: IncomingHttpHeaders
  id: string
  status: number
  answeredBy: Layer
  ms: number
}

export class AtHand {
  /** Answers given. */
  answers = 0
  #parts: AtHandParts
  #known = new Recent<Known>(mostKnown)
  #ofCaller = new WeakMap<Caller, Recent<Known>>()
  #closing = false

  constructor(parts: AtHandParts) {
    this.#parts = parts
  }

  /** From here on each answer says that its connection ends: that is Fastify's to say. */
  close(): void {
    this.#closing = true
  }

  route(guards: readonly RoughGuard[], durations: RouteDurations): Repeating {
    const route = { guards, durations }
    return {
      remember: (request, lookup) => {
        const { url = '' } = request.raw
        if (request.method !== 'GET' || url.length > longestUrl) return
        this.#of(request.caller).set(url, { route, lookup, description: describeRequest(request) })
      }
    }
  }

  /** Whether it has been answered. If not, nothing has happened. */
  answer(request: IncomingMessage, raw: ServerResponse, keepAliveMs: number): boolean {
    if (request.method !== 'GET' || this.#closing || this.#parts.load.tooMuch) return false
    const startedAt = performance.now()
    const { headers, url = '' } = request
    const forAll = this.#known.get(url)
    const recalled = forAll === undefined ? this.#parts.recall(headers.authorization) : undefined
    const known = forAll ?? (recalled && this.#ofCaller.get(recalled.caller)?.get(url))
    if (known === undefined || this.#isUnusual(headers)) return false

    const { route, lookup } = known
    const address = this.#parts.addressOf(request)
    for (const guard of route.guards) {
      const counts = guard.countsFor(headers)
      if (!counts.hasRoom(guard.keyIn(counts, address))) return false
    }
    if (recalled !== undefined && !this.#parts.isAlive(recalled)) return false
    const found = lookup.hit()
    if (found === undefined || found.content.absent) return false

    const id = this.#parts.idOf(request)
    const { head, body, moment } = lookup.finished(headers, found)
    const quota = quotaOf(route.guards, headers, address)
    this.answers++
    this.#watch(raw, known, headers, id, head.status, found.layer, startedAt)
    writeFinished(raw, keepAliveMs, head, linesOf(head, id, quota, moment), body)
    return true
  }

  #of(caller: Caller | null): Recent<Known> {
    if (caller === null) return this.#known
    const known = this.#ofCaller.get(caller)
    if (known) return known
    const fresh = new Recent<Known>(mostOfCaller)
    this.#ofCaller.set(caller, fresh)
    return fresh
  }

  #isUnusual(headers: IncomingHttpHeaders): boolean {
    return (
      !takesAnything(headers.accept) ||
      headers[consistencyHeader] !== undefined ||
      this.#parts.isTraced(headers)
    )
  }

  // Until the last byte of the answer is handed to the kernel, which for most is at once.
  #watch(
    raw: ServerResponse,
    { route, description }: Known,
    headers: IncomingHttpHeaders,
    id: string,
    status: number,
    answeredBy: Layer,
    startedAt: number
  ): void {
    const { requests, sent } = this.#parts
    requests.active++
    raw.on('close', () => {
      requests.active--
      if (!raw.writableFinished) {
        requests.aborted++
        return
      }
      const ms = performance.now() - startedAt
      route.durations.of('GET', status, answeredBy).record(ms)
      sent({ description, headers, id, status, answeredBy, ms })
    })
  }
}

function quotaOf(
  guards: readonly RoughGuard[],
  headers: IncomingHttpHeaders,
  address: string
): QuotaFields | null {
  let quota: QuotaFields | null = null
  for (const guard of guards) {
    const counts = guard.countsFor(headers)
    const remaining = counts.take(guard.keyIn(counts, address))
    quota = joinedQuota(quota, counts.policy, counts.standing(remaining))
  }
  return quota
}

/** What was asked for last, by URL: at least so many, at most twice as many. */
class Recent<Value> {
  #most: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(most: number) {
    this.#most = most
  }

  get(url: string): Value | undefined {
    const young = this.#young.get(url)
    if (young !== undefined) return young
    const old = this.#old.get(url)
    if (old !== undefined) this.set(url, old)
    return old
  }

  set(url: string, value: Value): void {
    if (this.#young.size >= this.#most) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(url, value)
  }
}
