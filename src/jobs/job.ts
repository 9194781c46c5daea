// A job: something that falls due by itself, done some at a time. What makes jobs safe is in each of them and not in what
// starts them: it may be started twice at once, killed at any line, and started again; the tables say what is left.

export type Job = {
  /** In metrics and in Redis. */
  name: string
  /** How often it is looked for, ms. */
  everyMs: number
  /**
   * Does a bounded batch.
   * @returns how much was done, and whether there is more right away
   */
  run(): Promise<{ done: number; more: boolean }>
}

/** What has become of a job's runs. */
export type JobCounters = { runs: number; failures: number; done: number; lastMs: number; lastAt: number }
