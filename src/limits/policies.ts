// The limits of this service, from its settings: which there are, how many requests each allows, and whom it counts.
import type { Settings } from '../config.ts'
import { networkOf } from './address.ts'
import { type Limit, perMinute, perQuarterHour, type RoughLimit } from './limit.ts'

export type Policies = {
  /** Of every route that names no limits. By address or API key. */
  readonly default: RoughLimit
  /** Signing in: for the e-mail and the address together, for each of them alone, and the default before them. */
  readonly login: readonly Limit[]
  /** Paying: by caller, and the default before it. */
  readonly payments: readonly Limit[]
}

export function policies({
  readsPerMinute,
  logins,
  loginsPerAddress,
  payments
}: Settings['limits']): Policies {
  const reads = perMinute('default', readsPerMinute)
  return {
    default: reads,
    // The narrowest first: who is refused there has not spent what others share with him.
    login: [
      reads,
      perQuarterHour('login', logins, ({ body, ip }) => `${emailOf(body)} ${networkOf(ip)}`),
      perQuarterHour('login-email', logins, ({ body }) => emailOf(body)),
      perQuarterHour('login-address', loginsPerAddress, ({ ip }) => networkOf(ip))
    ],
    payments: [reads, perQuarterHour('payments', payments, ({ caller, ip }) => caller?.id ?? networkOf(ip))]
  }
}

/**
 * An e-mail address as coarse as the database compares it, without case and accents: two spellings that sign in to one
 * account must not have two counts.
 */
function emailOf(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('email' in body)) return ''
  const { email } = body
  if (typeof email !== 'string') return ''
  return email.normalize('NFKD').replace(/\p{M}/gu, '').trim().toLowerCase()
}
