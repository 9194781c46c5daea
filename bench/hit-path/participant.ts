// One row of the comparison.
import type { Entry } from './entries.ts'

/**
 * One way to answer hits. Each writes its own loop: were one loop shared, the compiler would see all participants'
 * types in it and make each of them slower than it is alone.
 */
export type Participant = {
  readonly name: string
  /** What the others are measured by, that same thing once more, or what all this is about. */
  readonly role?: 'yardstick' | 'control' | 'subject'
  /** What its caller holds after a hit: finished bytes, an object that all callers share, or one made for it. */
  readonly hands: 'bytes' | 'shared object' | 'fresh object'
  /** What `hits` adds up, so that no answer can be wrong or left out unnoticed. */
  readonly proves: 'length' | 'version'
  /** Looks every key up, in order, and returns the sum over the answers. */
  hits(keys: readonly string[]): number | Promise<number>
  /** Resolves when hits may be expected, for one that gives them on conditions only. */
  ready?(): Promise<void>
  /** Makes every key a hit again, for one whose entries may lose their standing. */
  restore?(): Promise<void>
  close?(): Promise<void>
}

/** What `hits` must return for these entries. */
export function proofOf({ proves }: Participant, asked: readonly Entry[]): number {
  return asked.reduce((sum, { body, value }) => sum + (proves === 'length' ? body.length : value.version), 0)
}
