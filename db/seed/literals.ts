// Rows as SQL text: what is sent to the database, and what the digest of a data set is made of.

import { createHash } from 'node:crypto'
import type { Column } from 'drizzle-orm'
import { getTableColumns, getTableName } from 'drizzle-orm'
import type { TableName } from './rows.ts'
import { perTable, seeded, tableNames } from './rows.ts'

/** How rows of one table are written: `INSERT INTO … (…) VALUES` and then one tuple a row. */
export type Writing = { insert: string; tuple(row: Readonly<Record<string, unknown>>): string }

/** The writing of each seeded table. Columns that the database works out itself are left to it. */
export const writings = perTable(writing)

function writing(name: TableName): Writing {
  const table = seeded[name]
  const columns = Object.entries<Column>(getTableColumns(table)).filter(([, { generated }]) => !generated)
  const names = columns.map(([, { name: column }]) => `\`${column}\``)
  return {
    insert: `INSERT INTO \`${getTableName(table)}\` (${names.join(',')}) VALUES `,
    tuple(row) {
      const literals = columns.map(([key, column]) => {
        const value = row[key]
        return literal(value == null ? value : column.mapToDriverValue(value))
      })
      return `(${literals.join(',')})`
    }
  }
}

/** A value in SQL; one that is left out takes its column's default. */
function literal(value: unknown): string {
  if (value === undefined) return 'DEFAULT'
  if (value === null) return 'NULL'
  if (typeof value === 'string') return `'${value.replace(/['\\]/g, '\\$&')}'`
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Buffer.isBuffer(value)) return `x'${value.toString('hex')}'`
  throw new TypeError(`no SQL for a ${typeof value}`)
}

/** What a data set is: how many rows each table has, and one hash over all that they say. */
export type Digest = { sha256: string; rows: Record<TableName, number> }

/** Adds up a digest; rows count in the order of their own table, whatever came between. */
export function digesting(): { add(name: TableName, tuple: string): void; digest(): Digest } {
  const tables = perTable(() => ({ hash: createHash('sha256'), count: 0 }))
  return {
    add(name, tuple) {
      tables[name].hash.update(tuple)
      tables[name].count += 1
    },
    digest() {
      const whole = createHash('sha256')
      for (const name of tableNames) {
        const { hash, count } = tables[name]
        whole.update(`${name} ${count} ${hash.copy().digest('hex')}\n`)
      }
      return { sha256: whole.digest('hex'), rows: perTable((name) => tables[name].count) }
    }
  }
}
