// What a stopped clock must not do to the questions asked of the primary.
import t from 'tap'
import { Pool } from '../../db/pool.ts'
import { Counters } from '../../src/cache/events.ts'
import { Primary } from '../../src/cache/primary.ts'

/** Answers each question about slots at once, with version 7, and remembers it. */
class AnsweringPool extends Pool {
  readonly asked: unknown[][] = []

  constructor() {
    super({
      url: 'mysql://nobody@127.0.0.1:1/none',
      purpose: 'write',
      connections: 1,
      connectTimeoutMs: 1,
      workTimeoutMs: 1
    })
  }

  override async query<R>(_sql: string, [slots]: readonly unknown[] = []): Promise<R[]> {
    const wanted = Array.isArray(slots) ? slots : []
    this.asked.push(wanted)
    return JSON.parse(JSON.stringify(wanted.map((slot) => ({ slot, version: 7 }))))
  }
}

t.test(
  'a process that stood still between wanting and asking wants anew, and never asks for nothing',
  async (t) => {
    const pool = new AnsweringPool()
    t.teardown(() => pool.close())
    const primary = new Primary(pool, new Counters().link)
    // Each of the first looks at the clock finds that half a second has gone by.
    const now = performance.now.bind(performance)
    let looks = 0
    performance.now = () => now() + Math.min(looks++, 5) * 500
    t.teardown(() => {
      performance.now = now
    })
    t.same((await primary.recently([3, 9], 1_000)).versions, [7, 7])
    t.ok(pool.asked.every((slots) => slots.length > 0))
  }
)
