// One entry of the audit trail, and the line of text that it travels as: through Redis, through the spool, to the
// table. It says who did what to which record, when and from where; nothing of what the record or a request holds.
import { randomUUIDv7 } from 'node:crypto'
import { isIP } from 'node:net'
import { isUuid } from '../http/id.ts'

export const outcomes = ['success', 'refused', 'failure'] as const
export type Outcome = (typeof outcomes)[number]

/** What whoever acts on a record says of it. */
export type AuditEvent = {
  /** What was done, such as `profile.update`; at most 48 characters. */
  action: string
  /** The kind of record, such as `profile`; at most 32. */
  resource: string
  /** Which one; at most 64. Null: many, such as a page of a list. */
  resourceId: string | null
  /** `success`, unless said otherwise. */
  outcome?: Outcome
}

/** Who and from where: a request, as far as the trail looks at it. */
export type Origin = { caller: { id: string; role: string } | null; ip: string; id: string }

export type Entry = {
  /** UUIDv7, made once, here: whoever writes it to the table a second time changes nothing. */
  id: string
  actorId: string | null
  actorRole: string | null
  action: string
  resource: string
  resourceId: string | null
  outcome: Outcome
  address: string | null
  requestId: string
}

const longest = { action: 48, resource: 32, resourceId: 64, role: 16, requestId: 64 }

/** The line of a new entry: JSON in ASCII without a line break. */
export function lineOf(
  { action, resource, resourceId, outcome = 'success' }: AuditEvent,
  from: Origin
): string {
  const { caller, ip, id } = from
  const entry: Entry = {
    id: randomUUIDv7(),
    actorId: caller?.id ?? null,
    actorRole: caller?.role ?? null,
    action: fitting(action, longest.action),
    resource: fitting(resource, longest.resource),
    resourceId: resourceId === null ? null : fitting(resourceId, longest.resourceId),
    outcome,
    // A proxy may have handed on what is no address.
    address: isIP(ip) === 0 ? null : ip.replace(/%.*$/, ''),
    requestId: fitting(id, longest.requestId)
  }
  return JSON.stringify(entry)
}

// The table's columns are ASCII and short: what does not fit must not make a batch fail that others are in.
function fitting(text: string, most: number): string {
  return text.slice(0, most).replaceAll(/[^\x21-\x7e]/g, '?')
}

/** The entry of a line; null for what is none of ours, and would never fit the table. */
export function entryOf(line: string): Entry | null {
  const value = parsed(line)
  if (typeof value !== 'object' || value === null) return null
  const entry = value as { [Name in keyof Entry]: unknown }
  const { id, actorId, actorRole, action, resource, resourceId, outcome, address, requestId } = entry
  const known = outcomes.find((one) => one === outcome)
  const sound =
    isText(id, 36) &&
    isUuid(id) &&
    (actorId === null || (isText(actorId, 36) && isUuid(actorId))) &&
    (actorRole === null || isText(actorRole, longest.role)) &&
    isText(action, longest.action) &&
    isText(resource, longest.resource) &&
    (resourceId === null || isText(resourceId, longest.resourceId)) &&
    (address === null || (isText(address, 45) && isIP(address) !== 0)) &&
    isText(requestId, longest.requestId)
  if (!sound || known === undefined) return null
  return { id, actorId, actorRole, action, resource, resourceId, outcome: known, address, requestId }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most && /^[\x21-\x7e]*$/.test(value)
}

/** When an entry was made, ISO 8601: the first 48 bits of its id are the milliseconds, RFC 9562 §5.7. */
export function madeAt(id: string): string {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toISOString()
}

/** The least id that an entry made at this moment (epoch ms) can have. */
export function firstIdAt(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}
