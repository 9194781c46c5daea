// Field selection: `?fields=id,name` asks for less than the whole. What may be asked for is what the response schema
// has, so that no field outside the schema can ever be reached by its name.

import type { TObject, TProperties } from 'typebox'
import { Problem } from './problem.ts'

/** The names that `fields` may hold for a resource of this schema: its own properties, not those below. */
export function selectableFields(schema: TObject<TProperties>): ReadonlySet<string> {
  return new Set(Object.keys(schema.properties))
}

/**
 * Reads a `fields` parameter. Sorted and without repetitions, so that two spellings of one wish are one projection,
 * with one ETag.
 *
 * @throws Problem `invalid-parameter` naming each field that there is not
 */
export function parseFields(text: string, selectable: ReadonlySet<string>): readonly string[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))].sort()
  const unknown = names.filter((name) => !selectable.has(name))
  if (unknown.length === 0) return names

  const choice = `choose from ${[...selectable].join(', ')}`
  throw new Problem('invalid-parameter', undefined, {
    errors: unknown.slice(0, 10).map((name) => ({
      parameter: 'fields',
      detail:
        name === '' ? `holds an empty name: ${choice}` : `“${name.slice(0, 40)}” is not a field: ${choice}`
    }))
  })
}

/** The value with these fields alone, in their own order. An absent one stays absent. */
export function project<Value extends object>(value: Value, fields: readonly string[]): Partial<Value> {
  const wanted = new Set(fields)
  const projection: Partial<Value> = {}
  for (const name in value) {
    if (wanted.has(name)) projection[name] = value[name]
  }
  return projection
}
