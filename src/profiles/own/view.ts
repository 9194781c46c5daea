// How an owner reads his own profile. Apart from the public view by name and by key, so that nothing private can ever
// lie under a public one.
import { project } from '../../http/fields.ts'
import { view } from '../../http/view.ts'
import { profileTag } from '../tags.ts'
import { findOwnProfile } from './queries.ts'
import { OwnProfile } from './schema.ts'

const seconds = 1_000

export const ownProfileView = view<{ ownerId: string }, OwnProfile>({
  name: 'own-profile',
  schema: OwnProfile,
  key: ({ ownerId }) => ownerId,
  tags: ({ ownerId }) => [profileTag(ownerId)],
  groups: ({ ownerId }) => [profileTag(ownerId)],
  load: (database, { ownerId }) => findOwnProfile(database, ownerId),
  version: ({ version }) => version,
  project,
  ttlMs: 300 * seconds,
  absentTtlMs: 30 * seconds,
  staleBudgetMs: 0,
  staleIfErrorMs: 0,
  browser: 'private, no-cache',
  edge: null
})
