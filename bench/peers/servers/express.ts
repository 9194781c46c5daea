// The seed's design: Express, mysql2 with pools of 10, and ioredis as a cache beside: asked first, filled after a miss,
// JSON both ways, 300 s for a profile and 60 s for a list, emptied by POST and PATCH. Its options are the seed's.
import express from 'express'
import { Redis } from 'ioredis'
import { answerErrors, queryOf } from './express-parts.ts'
import { listen } from './listen.ts'
import { profileStore } from './profile-store.ts'
import { readSettings } from './settings.ts'
import { tokenCheck } from './tokens.ts'

const settings = readSettings()
const store = profileStore(settings)
const callerOf = tokenCheck(settings)
const redis = new Redis(settings.redisUrl, { keyPrefix: settings.keyPrefix, maxRetriesPerRequest: 3 })
redis.on('error', () => {})

async function getProfile(id: string) {
  const cached = await redis.get(`profile:${id}`)
  if (cached) return JSON.parse(cached)

  const profile = await store.find(id)
  await redis.setex(`profile:${id}`, 300, JSON.stringify(profile))
  return profile
}

async function getProfiles(query: string) {
  const cached = await redis.get(`profiles:${query}`)
  if (cached) return JSON.parse(cached)

  const page = await store.page(query)
  await redis.setex(`profiles:${query}`, 60, JSON.stringify(page))
  await redis.sadd('profiles', `profiles:${query}`)
  return page
}

// The seed does not say how lists are found again. A set of their keys costs less than KEYS or SCAN.
async function invalidate(id: string) {
  const lists = await redis.smembers('profiles')
  await redis.del(`profile:${id}`, 'profiles', ...lists)
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
