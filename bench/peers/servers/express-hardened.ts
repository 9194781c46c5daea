// The seed's design as somebody would run it who has been woken by it once: every wait ends, a dead Redis is left out, one
// request of many loads, commands of one tick travel together, and nothing that Redis does after a COMMIT fails a write.
import express from 'express'
import { Redis } from 'ioredis'
import { answerErrors, queryOf } from './express-parts.ts'
import { listen } from './listen.ts'
import { profileStore } from './profile-store.ts'
import { readSettings } from './settings.ts'
import { tokenCheck } from './tokens.ts'

const settings = readSettings()
const store = profileStore(settings, { connectMs: 1_000, queryMs: 2_000, waiting: 250 })
const callerOf = tokenCheck(settings)
const redis = new Redis(settings.redisUrl, {
  keyPrefix: settings.keyPrefix,
  commandTimeout: 50,
  connectTimeout: 1_000,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  enableAutoPipelining: true
})
redis.on('error', () => {})

const loading = new Map<string, Promise<unknown>>()

async function cached(key: string, load: () => Promise<unknown>): Promise<unknown> {
  const found = await redis.get(key).catch(() => null)
  if (found) return JSON.parse(found)

  let loaded = loading.get(key)
  if (loaded === undefined) {
    loaded = load().finally(() => loading.delete(key))
    loading.set(key, loaded)
  }
  return loaded
}

const getProfile = (id: string) =>
  cached(`profile:${id}`, async () => {
    const profile = await store.find(id)
    redis.setex(`profile:${id}`, 300, JSON.stringify(profile)).catch(() => {})
    return profile
  })

const getProfiles = (query: string) =>
  cached(`profiles:${query}`, async () => {
    const page = await store.page(query)
    redis.setex(`profiles:${query}`, 60, JSON.stringify(page)).catch(() => {})
    redis.sadd('profiles', `profiles:${query}`).catch(() => {})
    return page
  })

async function invalidate(id: string) {
  const lists = await redis.smembers('profiles').catch(() => [])
  await redis.del(`profile:${id}`, 'profiles', ...lists).catch(() => {})
}

const app = express()
app.set('etag', false)
app.set('x-powered-by', false)
app.use(express.json())

app.get('/api/profiles', async (request, response) => {
  response.json(await getProfiles(queryOf(request.url)))
})

app.get('/api/profile/:id', async (request, response) => {
  const profile = await getProfile(request.params.id)
  if (profile) response.json(profile)
  else response.status(404).json({ error: 'not found' })
})

app.post('/api/profiles', async (request, response) => {
  const profile = await store.create(callerOf(request.headers.authorization), request.body)
  await invalidate(profile.id)
  response.status(201).json(profile)
})

app.patch('/api/profile/:id', async (request, response) => {
  const { id } = request.params
  const profile = await store.update(callerOf(request.headers.authorization), id, request.body)
  await invalidate(id)
  response.json(profile)
})

app.use(answerErrors)

listen(app, async () => {
  redis.disconnect()
  await store.close()
})
