// A client of the accounts API, on one instance, from one device.
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { RowDataPacket } from 'mysql2/promise'
import { uuidToBytes } from '../../db/columns.ts'
import { query } from '../statements.ts'

/** Of every user in the seed data. */
export const seedPassword = 'turno-seed-data'

export type Session = { accessToken: string; refreshToken: string; sessionId: string; expiresIn: number }

export type Client = {
  post(path: string, body?: object, token?: string): ReturnType<Sent>
  put(path: string, body: object, token?: string): ReturnType<Sent>
  get(path: string, token?: string, headers?: Record<string, string>): ReturnType<Sent>
  remove(path: string, token: string): ReturnType<Sent>
  /** @throws where it is refused */
  signIn(email: string, password?: string): Promise<Session>
  refresh(refreshToken: string): ReturnType<Sent>
  /** Status of a request that needs a session. */
  statusOf(session: Session): Promise<number>
}

type Sent = (app: FastifyInstance, options: object) => Promise<LightMyRequestResponse>

const send: Sent = (app, options) => patiently(() => app.inject(options))

const patienceMs = 20_000
const pauseMs = 300

/** Sends it again where the instance had too much to do to look at it, as it asks for: this machine may be slow. */
export async function patiently<Reply extends { statusCode: number; body: string }>(
  send: () => Promise<Reply>
): Promise<Reply> {
  const end = performance.now() + patienceMs
  for (;;) {
    const reply = await send()
    const isShed = reply.statusCode === 503 && reply.body.includes('Too much to do')
    if (!isShed || performance.now() > end) return reply
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

export function clientOf(app: FastifyInstance, device = 'a test'): Client {
  const headers = (token?: string) => ({
    'user-agent': device,
    ...(token !== undefined && { authorization: `Bearer ${token}` })
  })
  const post: Client['post'] = (url, payload, token) =>
    send(app, { method: 'POST', url, headers: headers(token), ...(payload && { payload }) })
  const get: Client['get'] = (url, token, more = {}) =>
    send(app, { url, headers: { ...headers(token), ...more } })
  return {
    post,
    get,
    put: (url, payload, token) => send(app, { method: 'PUT', url, headers: headers(token), payload }),
    remove: (url, token) => send(app, { method: 'DELETE', url, headers: headers(token) }),
    async signIn(email, password = seedPassword) {
      const reply = await post('/api/auth/login', { email, password })
      if (reply.statusCode !== 200) throw new Error(`${reply.statusCode} ${reply.body}`)
      return reply.json()
    },
    refresh: (refreshToken) => post('/api/auth/refresh', { refreshToken }),
    statusOf: async ({ accessToken }) => (await get('/api/auth/me', accessToken)).statusCode
  }
}

/** The address that a user of the seed data signs in with. */
export async function emailOf(primaryUrl: string, id: string): Promise<string> {
  const [row] = await query<RowDataPacket & { email: string }>(
    primaryUrl,
    'SELECT email FROM users WHERE id = ?',
    [uuidToBytes(id)]
  )
  if (!row) throw new Error('there is no such user')
  return row.email
}

export const newEmail = () => `${randomUUID()}@example.com`
