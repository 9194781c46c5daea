// Several real instances on one real stack, for tests of what only a fleet can get wrong.
import type { RowDataPacket } from 'mysql2/promise'
import type { Test } from 'tap'
import { Agent, request } from 'undici'
import { buildApp } from '../src/app.ts'
import type { Settings } from '../src/config.ts'
import { engines } from './engines.ts'
import { query } from './statements.ts'

export type Reply = {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
  /** From sending to the last byte, ms. */
  ms: number
}

export type Instance = {
  url: string
  app: Awaited<ReturnType<typeof buildApp>>
  send(
    path: string,
    options?: {
      method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
      headers?: Record<string, string>
      body?: unknown
    }
  ): Promise<Reply>
}

export type Engines = Awaited<ReturnType<typeof engines>>
export type Fleet = { engines: Engines; instances: [Instance, ...Instance[]] }

/** Starts the engines with `tiny` data and `count` listening instances; all of it ends with the test. */
export async function fleet(
  t: Test,
  count: number,
  change: (settings: Settings) => Settings = (settings) => settings
): Promise<Fleet> {
  const stack = await engines(t, { scale: 'tiny' })
  const settings = change(stack.settings)
  const [first, ...others] = await Promise.all(Array.from({ length: count }, () => instance(t, settings)))
  if (!first) throw new Error('a fleet has at least one instance')
  return { engines: stack, instances: [first, ...others] }
}

async function instance(t: Test, settings: Settings): Promise<Instance> {
  const app = await buildApp({ ...settings, port: 0, operators: { ...settings.operators, port: 0 } })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  app.health.started()
  const agent = new Agent({ connections: 512 })
  t.teardown(async () => {
    await agent.destroy()
    await app.close()
  })
  return {
    url,
    app,
    async send(path, { method = 'GET', headers = {}, body } = {}) {
      const sentAt = performance.now()
      const reply = await request(url + path, {
        method,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        dispatcher: agent
      })
      const text = await reply.body.text()
      return { status: reply.statusCode, headers: reply.headers, body: text, ms: performance.now() - sentAt }
    }
  }
}

/** An id of a public profile of the seed data, and the ids of `count` of them. */
export async function publicProfiles(primaryUrl: string, count: number): Promise<string[]> {
  const rows = await query<RowDataPacket & { id: string }>(
    primaryUrl,
    `SELECT LOWER(INSERT(INSERT(INSERT(INSERT(HEX(id), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')) AS id
     FROM profiles WHERE visibility = 'public' ORDER BY id LIMIT ${count}`
  )
  return rows.map(({ id }) => id)
}
