// How profiles are read: one, and a page of them.
import type { Cursors } from '../http/cursor.ts'
import { project } from '../http/fields.ts'
import { type View, view } from '../http/view.ts'
import { findPage, findPublicProfiles, publicIds } from './queries.ts'
import { Profile, ProfilePage } from './schema.ts'
import { keyOf, nameOf, type Page, queryOf } from './search.ts'
import { profilesTag, profileTag } from './tags.ts'

const seconds = 1_000

export type ProfileViews = {
  /** One profile that is public. */
  profile: View<{ id: string }, Profile>
  /** A page of those that are. */
  page: View<Page, ProfilePage>
}

/** @param cursors of the service: a page tells where the next one begins */
export function profileViews(cursors: Cursors): ProfileViews {
  return {
    profile: view({
      name: 'profile',
      schema: Profile,
      key: ({ id }) => id,
      tags: ({ id }) => [profileTag(id)],
      groups: ({ id }) => [profileTag(id)],
      load: async (database, { id }) => (await findPublicProfiles(database, [id]))[0] ?? null,
      loadMany: (database, asked) =>
        findPublicProfiles(
          database,
          asked.map(({ id }) => id)
        ),
      everyKey: publicIds,
      version: ({ version }) => version,
      project,
      // A change is told, never waited for: this only bounds what nobody could think of.
      ttlMs: 3_600 * seconds,
      absentTtlMs: 30 * seconds,
      staleBudgetMs: 0,
      staleIfErrorMs: 600 * seconds,
      browser: 'public, max-age=30, stale-while-revalidate=60, stale-if-error=600',
      edge: 'max-age=300, stale-while-revalidate=60, stale-if-error=600'
    }),
    page: view({
      name: 'profiles',
      schema: ProfilePage,
      key: keyOf,
      tags: () => [profilesTag],
      groups: () => [profilesTag],
      load: async (database, page) => {
        const { search, start } = page
        const { rows, next, total } = await findPage(database, page)
        return {
          data: rows,
          page: {
            next: next === null ? null : cursors.seal(nameOf(search), next),
            ...(start !== null && 'page' in start && { number: start.page }),
            ...(total !== undefined && { total })
          }
        }
      },
      project: ({ data, page }, fields) => ({ data: data.map((row) => project(row, fields)), page }),
      next: (asked, { page }) => (page.next === null ? null : `/api/profiles?${queryOf(asked, page.next)}`),
      ttlMs: 60 * seconds,
      absentTtlMs: 30 * seconds,
      // With one write in ten, a list that is never a second old would hardly ever be found in the cache.
      staleBudgetMs: 1 * seconds,
      staleIfErrorMs: 300 * seconds,
      browser: 'public, max-age=15, stale-while-revalidate=30, stale-if-error=300',
      edge: 'max-age=60, stale-while-revalidate=30, stale-if-error=300'
    })
  }
}
