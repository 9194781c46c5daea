// The ceiling: Fastify routes that send bytes which they have. What is asked for is loaded once and never again, so it
// neither forgets nor learns anything; a token is looked at when its answer is loaded, and not again.
import Fastify, { type FastifyReply } from 'fastify'
import { queryOf } from './express-parts.ts'
import { announce, endWith } from './listen.ts'
import { profileStore } from './profile-store.ts'
import { readSettings } from './settings.ts'
import { tokenCheck } from './tokens.ts'

const settings = readSettings()
const store = profileStore(settings)
const callerOf = tokenCheck(settings)
const profiles = new Map<string, Buffer>()
const pages = new Map<string, Buffer>()
const accounts = new Map<string, Buffer>()

const app = Fastify()

app.get<{ Params: { id: string } }>('/api/profile/:id', (request, reply) => {
  const { id } = request.params
  const body = profiles.get(id)
  if (body !== undefined) send(reply, body)
  else load(reply, profiles, id, () => store.find(id))
})

app.get('/api/profiles', (request, reply) => {
  const query = queryOf(request.url)
  const body = pages.get(query)
  if (body !== undefined) send(reply, body)
  else load(reply, pages, query, () => store.page(query))
})

app.get('/api/auth/me', (request, reply) => {
  const { authorization = '' } = request.headers
  const body = accounts.get(authorization)
  if (body !== undefined) send(reply, body)
  else load(reply, accounts, authorization, async () => store.account(callerOf(authorization).id))
})

function send(reply: FastifyReply, body: Buffer): void {
  reply.header('content-type', 'application/json; charset=utf-8').send(body)
}

function load(
  reply: FastifyReply,
  into: Map<string, Buffer>,
  key: string,
  from: () => Promise<unknown>
): void {
  from().then(
    (value) => {
      if (value === null) return reply.code(404).send()
      const body = Buffer.from(JSON.stringify(value))
      into.set(key, body)
      return send(reply, body)
    },
    (error) => reply.send(error)
  )
}

announce(await app.listen({ host: '127.0.0.1', port: 0 }))
endWith(async () => {
  app.server.closeAllConnections()
  await app.close()
  await store.close()
})
