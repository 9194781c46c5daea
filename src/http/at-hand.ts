// Answers what is asked for again and again before Fastify sees it. A URL always asks some routes for the same entry of the
// cache: what such a route has found out once, which entry that is, need not be found out each time by routing, reading and
// checking. What may change with each request is looked at as ever: limits, the token and its session, load, the entry
// itself. Whatever is out of the ordinary is left to Fastify, which answers the same. docs/decisions/0013-at-hand.md.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import type { FastifyRequest } from 'fastify'
import type { Caller, Recalled } from '../../plugins/auth.ts'
import type { Answer } from '../cache/cache.ts'
import type { Layer } from '../cache/events.ts'
import { joinedQuota } from '../limits/fields.ts'
import type { RoughGuard } from '../limits/guard.ts'
import { describeRequest, type RequestDescription } from '../log.ts'
import type { Requests, RouteDurations } from '../requests.ts'
import { askedWith } from './asked-with.ts'
import { ByText } from './by-text.ts'
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

type Known = {
  lookup: Lookup
  guard: RoughGuard | null
  durations: RouteDurations
  description: RequestDescription
}

/** URLs of everybody, and of one caller. Few URLs get nearly all hits. */
const mostKnown = 2_048
const mostOfCaller = 16
/** Longer ones are not worth their bytes. */
const longestUrl = 512

export type AtHandParts = {
  requests: Requests
  load: { readonly tooMuch: boolean }
  /** What the connection tells, or a proxy that is trusted. */
  addressOf(request: IncomingMessage): string
  idOf(request: Pick<IncomingMessage, 'headers'>): string
  /** Who sends this Authorization, where that is known without checking a signature. */
  recall(authorization: string | undefined): Recalled | undefined
  /** Whether the token's session is known to live, without asking anybody. */
  isAlive(recalled: Recalled): boolean
  /** A span is to be made of it. */
  isTraced(headers: IncomingHttpHeaders): boolean
  /** What took longer than this is told, ms. */
  slowMs: number
  slow(answer: Sent): void
}

export type Sent = {
  description: RequestDescription
  headers: IncomingHttpHeaders
  id: string
  status: number
  answeredBy: Layer
  ms: number
}

type Begun = Omit<Sent, 'description' | 'ms'> & { startedAt: number }

export class AtHand {
  /** Answers given. */
  answers = 0
  #parts: AtHandParts
  #known = new ByText<Known>(mostKnown)
  #ofCaller = new WeakMap<Caller, ByText<Known>>()
  #closing = false

  constructor(parts: AtHandParts) {
    this.#parts = parts
  }

  /** From here on each answer says that its connection ends: that is Fastify's to say. */
  close(): void {
    this.#closing = true
  }

  /** @param guard its only limit, where it has one */
  route(guard: RoughGuard | null, durations: RouteDurations): Repeating {
    return {
      remember: (request, lookup) => {
        const { url = '' } = request.raw
        if (request.method !== 'GET' || url.length > longestUrl) return
        this.#of(request.caller).set(url, { lookup, guard, durations, description: describeRequest(request) })
      }
    }
  }

  /** Whether it has been answered. If not, nothing has happened. */
  answer(request: IncomingMessage, raw: ServerResponse, keepAliveMs: number): boolean {
    if (request.method !== 'GET' || this.#closing || this.#parts.load.tooMuch) return false
    const startedAt = performance.now()
    const { url = '' } = request
    const headers = askedWith(request)
    if (headers === undefined) return false
    const forAll = this.#known.get(url)
    const recalled = forAll === undefined ? this.#parts.recall(headers.authorization) : undefined
    const known = forAll ?? (recalled && this.#ofCaller.get(recalled.caller)?.get(url))
    if (known === undefined || this.#isUnusual(headers)) return false

    const { guard, lookup } = known
    const counts = guard?.countsFor(headers)
    const key = guard && counts ? guard.keyIn(counts, this.#parts.addressOf(request)) : ''
    const tally = counts?.tallyOf(key)
    if (counts && tally && !counts.hasRoom(tally)) return false
    if (recalled !== undefined && !this.#parts.isAlive(recalled)) return false
    const found = lookup.hit()
    if (found === undefined || found.content.absent) return false

    const id = this.#parts.idOf({ headers })
    const { head, body, moment } = lookup.finished(headers, found)
    const remaining = counts?.take(key, tally) ?? 0
    const quota = counts ? joinedQuota(null, counts.policy, counts.standing(remaining)) : null
    this.answers++
    writeFinished(raw, keepAliveMs, head, linesOf(head, id, quota, moment), body)
    this.#measure(raw, known, { headers, id, status: head.status, answeredBy: found.layer, startedAt })
    return true
  }

  #of(caller: Caller | null): ByText<Known> {
    if (caller === null) return this.#known
    const known = this.#ofCaller.get(caller)
    if (known) return known
    const fresh = new ByText<Known>(mostOfCaller)
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

  // Nearly always the kernel has taken all of it by now. Else it is waited for, until the last byte.
  #measure(raw: ServerResponse, known: Known, answer: Begun): void {
    if (raw.socket?.writableLength === 0) {
      this.#sent(known, answer)
      return
    }
    const { requests } = this.#parts
    requests.active++
    raw.on('close', () => {
      requests.active--
      if (raw.writableFinished) this.#sent(known, answer)
      else requests.aborted++
    })
  }

  #sent({ durations, description }: Known, answer: Begun): void {
    const ms = performance.now() - answer.startedAt
    durations.of('GET', answer.status, answer.answeredBy).record(ms)
    if (ms > this.#parts.slowMs) this.#parts.slow({ ...answer, description, ms })
  }
}
