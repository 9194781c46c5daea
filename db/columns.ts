// The column types that Drizzle lacks or maps otherwise: what a value is in the database, and what it is in TypeScript.
// Both engines (MySQL 8.4, MariaDB 10.11) take the same SQL types.

import { customType } from 'drizzle-orm/mysql-core'

/** A UUID in BINARY(16), most significant byte first (so UUIDv7 sorts by time): `0199a3f2-…` in TypeScript. */
export const uuid = customType<{ data: string; driverData: Buffer }>({
  dataType: () => 'binary(16)',
  toDriver: uuidToBytes,
  fromDriver: bytesToUuid
})

/**
 * The 16 bytes of a UUID.
 * @throws RangeError where it is no UUID: a shorter buffer would be padded in silence and match nothing.
 */
export function uuidToBytes(id: string): Buffer {
  return Buffer.from(digitsOf(id), 'hex')
}

/** The same as a literal of SQL. @throws RangeError where it is no UUID */
export function uuidToSql(id: string): string {
  return `X'${digitsOf(id)}'`
}

function digitsOf(id: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) throw new RangeError('not a UUID')
  return id.slice(0, 8) + id.slice(9, 13) + id.slice(14, 18) + id.slice(19, 23) + id.slice(24)
}

/** The UUID of 16 bytes, in lower case with dashes. */
export function bytesToUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/**
 * An instant: DATETIME in UTC, ISO 8601 with `Z` in TypeScript. Not TIMESTAMP, which ends in 2038.
 * `fsp` is the number of decimals of a second: 3, or 0 for what lies on whole minutes.
 */
export const instant = customType<{ data: string; driverData: string; config: { fsp: 0 | 3 } }>({
  dataType: ({ fsp } = { fsp: 3 }) => (fsp === 0 ? 'datetime' : `datetime(${fsp})`),
  toDriver: (iso) => instantToSql(iso),
  fromDriver: instantFromSql
})

/** The ISO 8601 instant of a DATETIME as text, which is in UTC. */
export function instantFromSql(text: string): string {
  return `${text.replace(' ', 'T')}Z`
}

/**
 * `YYYY-MM-DD HH:MM:SS.mmm` in UTC of an ISO 8601 instant of any offset.
 * @throws RangeError where it is no date.
 */
export function instantToSql(iso: string): string {
  if (iso !== lastInstant.iso) {
    lastInstant = { iso, sql: new Date(iso).toISOString().slice(0, 23).replace('T', ' ') }
  }
  return lastInstant.sql
}

/** All rows of one change carry one moment. */
let lastInstant = { iso: '1970-01-01T00:00:00.000Z', sql: '1970-01-01 00:00:00.000' }

/**
 * A JSON object or array. On MariaDB the type is LONGTEXT with a check, and depending on the statement the driver
 * hands it over parsed or as text; objects and arrays alone can be told from their text, so nothing else goes in.
 */
export const json = customType<{ data: object; driverData: string | object }>({
  dataType: () => 'json',
  toDriver: (value) => JSON.stringify(value),
  fromDriver: (value): object => (typeof value === 'string' ? JSON.parse(value) : value)
})

/** Text of a machine (a zone, a currency, a hash): ASCII, compared byte by byte, a byte a character in an index. */
export const ascii = customType<{ data: string; config: { length: number }; configRequired: true }>({
  dataType: ({ length }) => `varchar(${length}) character set ascii collate ascii_bin`
})

/** An ISO 4217 code: always three letters. */
export const currency = customType<{ data: string }>({
  dataType: () => 'char(3) character set ascii collate ascii_bin'
})

/** Bytes of a fixed length (a SHA-256). */
export const bytes = customType<{ data: Buffer; config: { length: number }; configRequired: true }>({
  dataType: ({ length }) => `binary(${length})`
})

/** Bytes up to a length (an encrypted secret). */
export const variableBytes = customType<{ data: Buffer; config: { length: number }; configRequired: true }>({
  dataType: ({ length }) => `varbinary(${length})`
})
