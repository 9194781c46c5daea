// What the checker and its instances say to each other. Observations do not travel here: an instance that is killed
// must not take them with it, so they are in its journal.

/** Which design the instances run, and which rule of the protocol is taken out of it (by name, check/coherence/rules.ts). */
export type Subject = { design: 'protocol' | 'naive'; removed: string | null }

/** The rows under check, the same for the whole fleet. Keys count from 0: the items, the lists, as many boards. */
export type Rows = {
  /** Added to a key it is the row's id: each run has rows of its own. */
  firstId: number
  items: number
  lists: number
}

export type Beginning = {
  subject: Subject
  rows: Rows
  primaryUrl: string
  replicaUrls: readonly string[]
  redisUrl: string
  /** Signs the consistency tokens of the fleet. */
  secret: string
  journal: string
  /** Of the workload: which keys, which pauses. */
  seed: string
  slow: boolean
}

export type ToInstance =
  | { say: 'begin'; beginning: Beginning }
  /** Somebody brings the token of his write and must see it. */
  | { say: 'read'; key: number; token: string; written: number }
  /** From now on fills and answers of Redis are held up at random, or no longer. */
  | { say: 'slow'; on: boolean }
  /** Die at the next write, after its COMMIT and before anybody is told. */
  | { say: 'crash' }
  | { say: 'stop' }

export type FromInstance =
  | { say: 'ready' }
  | { say: 'written'; key: number; token: string; written: number }
  /** A read or a write ended with this error. */
  | { say: 'failed'; error: string }
