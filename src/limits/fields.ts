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

/** `"default";q=100;w=60` */
export function policyField({ name, quota, windowMs }: Pick<Limit, 'name' | 'quota' | 'windowMs'>): string {
  return `"${name}";q=${quota};w=${windowMs / 1000}`
}

/** `"default";r=87;t=23` */
export function standingField({ limit, remaining, seconds }: Standing): string {
  return `"${limit.name}";r=${remaining};t=${seconds}`
}

/** Whole seconds of a wait: never so few that whoever waits them comes too early. */
export function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000))
}
