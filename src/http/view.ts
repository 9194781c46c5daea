// A view: the only way to read through the cache. One declaration ties together what identifies an entry, what it
// depends on, how it is loaded and written out, how long it lives, and what browsers and edges are told.

import { hash } from 'node:crypto'
import fastJsonStringify from 'fast-json-stringify'
import type { TSchema } from 'typebox'
import { Content } from '../cache/content.ts'
import type { CacheView, Database } from '../cache/view.ts'
import { representationTag } from './conditional.ts'

export type { Database }

/** What whoever adds an endpoint writes. */
export type ViewDeclaration<Parameters, Value> = {
  /** Label of metrics and part of every key. */
  name: string
  /** Of the representation: its serialiser. Only the fields it names ever leave. */
  schema: TSchema
  /** Identity of the entry: normalised, bounded, without personal data. */
  key(parameters: Parameters): string
  /** What it depends on, known before loading: `profile:ID`, `profiles`. */
  tags(parameters: Parameters): readonly string[]
  /** `null`: there is no such thing, which is cached too, for `absentTtlMs`. */
  load(database: Database, parameters: Parameters): Promise<Value | null>
  /** The same for many, in their order; misses of one tick then share its queries. */
  loadMany?(database: Database, parameters: readonly Parameters[]): Promise<readonly (Value | null)[]>
  /** The keys of all that there is, page by page; then who guesses keys is answered without asking a database. */
  everyKey?(database: Database): AsyncIterable<readonly string[]>
  /** The row's version, for If-Match; left out where the value is not one row. */
  version?(value: Value): number
  /** The value with these fields alone, for `?fields=`; left out where none may be chosen. */
  project?(value: Value, fields: readonly string[]): unknown
  /** Where a list goes on, as a path with its query, for Link (RFC 8288); null at its end. */
  next?(parameters: Parameters, value: Value): string | null
  /** Routes make other media types of it too (`serveForm`): what is answered then depends on Accept. */
  otherForms?: true
  /** For edges that purge by tag: Cache-Tag and Cache-Groups (RFC 9875). */
  groups(parameters: Parameters): readonly string[]
  /** Backstops of Redis and L1, ms. Freshness does not rest on them. */
  ttlMs: number
  absentTtlMs: number
  /** How long after a change the value before it may still be served, while one loader fetches anew, ms. 0: never. */
  staleBudgetMs: number
  /** How long the last value may be served when nobody can be asked, ms. 0 for anything that leads to a booking. */
  staleIfErrorMs: number
  /** Cache-Control. */
  browser: string
  /** CDN-Cache-Control (RFC 9213). Null: it is its owner's alone; the key then begins with the owner, from the token. */
  edge: string | null
}

/** A declaration with its serialiser compiled. */
export type View<Parameters, Value> = ViewDeclaration<Parameters, Value> & {
  /** For the cache: loads, serialises once, tags the bytes. */
  readonly cached: CacheView<Parameters>
  /** The representation of a value at hand, such as one just written. */
  represent(value: Value): Content
  /** The value that a content of this view, not an absence, was made of; read once as long as it lives. */
  valueIn(content: Content): Value
}

/** Compiles a declaration; once per view, when its module loads. */
export function view<Parameters, Value>(
  declaration: ViewDeclaration<Parameters, Value>
): View<Parameters, Value> {
  const stringify = fastJsonStringify(plain(declaration.schema))
  const revision = hash('sha256', JSON.stringify(declaration.schema), 'hex').slice(0, 8)
  const represent = (value: Value): Content => {
    const body = stringify(value)
    return Content.of(body, representationTag(body, declaration.version?.(value)))
  }
  const contentOf = (value: Value | null) => (value === null ? Content.absence() : represent(value))
  const cached: CacheView<Parameters> = {
    name: declaration.name,
    revision,
    list: declaration.next !== undefined,
    tags: declaration.tags,
    ttlMs: declaration.ttlMs,
    absentTtlMs: declaration.absentTtlMs,
    staleBudgetMs: declaration.staleBudgetMs,
    staleIfErrorMs: declaration.staleIfErrorMs,
    load: async (database, parameters) => contentOf(await declaration.load(database, parameters)),
    ...(declaration.everyKey && { everyKey: declaration.everyKey }),
    ...(declaration.loadMany && {
      loadMany: async (database: Database, parameters: readonly Parameters[]) =>
        ((await declaration.loadMany?.(database, parameters)) ?? []).map(contentOf)
    })
  }
  const values = new WeakMap<Content, { value: Value }>()
  const valueIn = (content: Content): Value => {
    const known = values.get(content)
    if (known) return known.value
    const value: Value = JSON.parse(content.text)
    values.set(content, { value })
    return value
  }
  return { ...declaration, cached, represent, valueIn }
}

// TypeBox marks its schemas with symbols and getters that a JSON Schema compiler need not meet.
function plain(schema: TSchema): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema))
}
