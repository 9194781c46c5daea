// The header fields that tell a client how it stands: draft-ietf-httpapi-ratelimit-headers-11, `RateLimit-Policy` and
// `RateLimit`, both structured fields. Pure.
import type { Limit } from './limit.ts'

/** How a caller stands with one limit. */
export type Standing = {
  readonly limit: Pick<Limit, 'name' | 'quota' | 'windowMs'>
  /** Requests that would still pass at this moment. */
  readonly remaining: number
  /** Whole seconds until more of the quota is free. */
  readonly seconds: number
}

/** The fields of an answer, by their names: each a list with a member for each limit. */
export type QuotaFields = { readonly 'ratelimit-policy': string; readonly ratelimit: string }

/** `"default";q=100;w=60` */
export function policyField({ name, quota, windowMs }: Pick<Limit, 'name' | 'quota' | 'windowMs'>): string {
  return `"${name}";q=${quota};w=${windowMs / 1000}`
}

/** `"default";r=87;t=23` */
export function standingField({ limit, remaining, seconds }: Standing): string {
  return standingBegins(limit) + remaining + standingEnds(seconds)
}

/** What is before the remaining requests. */
export function standingBegins({ name }: Pick<Limit, 'name'>): string {
  return `"${name}";r=`
}

/** What is after them. */
export function standingEnds(seconds: number): string {
  return `;t=${seconds}`
}

/** Whole seconds of a wait: never so few that whoever waits them comes too early. */
export function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000))
}

/** With one limit more. */
export function joinedQuota(quota: QuotaFields | null, policy: string, standing: string): QuotaFields {
  if (quota === null) return { 'ratelimit-policy': policy, ratelimit: standing }
  return {
    'ratelimit-policy': `${quota['ratelimit-policy']}, ${policy}`,
    ratelimit: `${quota.ratelimit}, ${standing}`
  }
}
