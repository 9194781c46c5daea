// How clients are read: one, and a page of them. For their therapist alone, whose id every key begins with.
import type { Cursors } from '../http/cursor.ts'
import { project } from '../http/fields.ts'
import { type View, view } from '../http/view.ts'
import { findClient, findPage } from './queries.ts'
import { Client, ClientPage } from './schema.ts'
import { keyOf, nameOf, type Page, positionOf, queryOf } from './search.ts'
import { clientsTag, clientTag } from './tags.ts'

const own = {
  ttlMs: 300_000,
  absentTtlMs: 30_000,
  staleBudgetMs: 0,
  staleIfErrorMs: 0,
  browser: 'private, no-cache',
  edge: null,
  groups: () => []
} as const

/** Who reads which record; `anybodys` for an administrator. */
export type Reading = { readerId: string; id: string; anybodys: boolean }

export type ClientViews = {
  client: View<Reading, Client>
  page: View<Page, ClientPage>
}

/** @param cursors of the service: a page tells where the next one begins */
export function clientViews(cursors: Cursors): ClientViews {
  return {
    client: view({
      ...own,
      name: 'client',
      schema: Client,
      // An account whose role has changed must not find what the other role was shown.
      key: ({ readerId, id, anybodys }) => `${readerId}:${anybodys ? 'any:' : ''}${id}`,
      tags: ({ id }) => [clientTag(id)],
      load: (database, { readerId, id, anybodys }) => findClient(database, id, anybodys ? null : readerId),
      version: ({ version }) => version,
      project
    }),
    page: view({
      ...own,
      name: 'clients',
      schema: ClientPage,
      key: keyOf,
      tags: ({ search }) => [clientsTag(search.therapistId)],
      load: async (database, page) => {
        const { search, start } = page
        const { rows, next, total } = await findPage(database, page)
        return {
          data: rows,
          page: {
            next: next === null ? null : cursors.seal(nameOf(search), positionOf(next)),
            ...(start !== null && 'page' in start && { number: start.page }),
            ...(total !== undefined && { total })
          }
        }
      },
      project: ({ data, page }, fields) => ({ data: data.map((row) => project(row, fields)), page }),
      next: (asked, { page }) => (page.next === null ? null : `/api/clients?${queryOf(asked, page.next)}`)
    })
  }
}
