// What a limit is: how many requests of one kind, in which time, and whom they are counted for. Pure.
import type { FastifyRequest } from 'fastify'

type Common = {
  /** In headers and answers; a name of the API, never of a person. Lower-case letters and hyphens. */
  readonly name: string
  /** How many requests the window allows. */
  readonly quota: number
  readonly windowMs: number
}

/**
 * Never more than the quota in any window, over the whole fleet: each request asks Redis. For what is dear or
 * dangerous. Counted once the request is known to be well formed and its caller known.
 */
export type ExactLimit = Common & {
  readonly exact: true
  /** Whom the request is counted for. Hashed before it leaves the process. */
  whose(request: FastifyRequest): string
}

/**
 * The quota, and a little more when many instances are asked at once (docs/limits.md has the bound). Counted in the
 * process: no request waits for it. Whose it is, is the same for all of them: the caller's API key, else the address.
 */
export type RoughLimit = Common & { readonly exact: false }

export type Limit = ExactLimit | RoughLimit

export const minuteMs = 60_000

/** So many requests a minute for each address (or API key): for reads. Two limits of one name are one. */
export function perMinute(name: string, quota: number): RoughLimit {
  return { exact: false, name, quota, windowMs: minuteMs }
}

/** So many requests in fifteen minutes, exactly. */
export function perQuarterHour(name: string, quota: number, whose: ExactLimit['whose']): ExactLimit {
  return { exact: true, name, quota, windowMs: 15 * minuteMs, whose }
}
