// Two instances are replaced one after the other under steady requests, behind a balancer that never retries.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as elapsed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { known } from '../db/seed/known.ts'
import type { Settings } from '../src/config.ts'
import { Balancer } from './balancer.ts'
import { engines } from './engines.ts'

const requests = 10_000
const clients = 8

t.test('a rolling restart loses not one of 10,000 requests', { timeout: 240_000 }, async (t) => {
  const { settings } = await engines(t, { replicas: 1 })
  const environment = environmentOf(settings)
  const balancer = new Balancer()
  t.teardown(() => balancer.stop())
  const front = await balancer.start()

  const start = async () => {
    const instance = await startInstance(t, environment)
    balancer.add(instance.url)
    await until(() => balancer.ready(instance.url))
    return instance
  }
  const first = [await start(), await start()]

  let restarted = false
  const load = sendUntil(front, (sent) => sent >= requests && restarted)

  for (const old of first) {
    const already = balancer.served(old.url)
    await until(() => balancer.served(old.url) > already + requests / 20)
    const fresh = start()
    await fresh
    old.child.kill('SIGTERM')
    t.equal(await old.exit, 0, 'an instance leaves well')
    balancer.remove(old.url)
    const { url } = await fresh
    await until(() => balancer.served(url) > requests / 20)
  }
  restarted = true

  const { sent, shed, failures } = await load
  t.ok(sent - shed >= requests * 0.9, `${sent} requests, ${shed} refused as too many`)
  t.strictSame(failures, [], 'failed requests')
})

type Instance = { url: string; child: ChildProcess; exit: Promise<number | null> }

async function startInstance(t: Test, environment: NodeJS.ProcessEnv): Promise<Instance> {
  const script = fileURLToPath(new URL('../src/server.ts', import.meta.url))
  const child = spawn(process.execPath, [script], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const exit = once(child, 'exit').then(([code]) => code)
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /serving on (http:[^"]+)/.exec(line)?.[1]
    if (url === undefined) continue
    child.stdout.resume()
    return { url, child, exit }
  }
  throw new Error(`the instance ended with ${await exit} before it served`)
}

function environmentOf({ mysql, redis, auth }: Settings): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    NODE_ENV: 'test',
    PORT: '0',
    MYSQL_PRIMARY_URL: mysql.primaryUrl,
    MYSQL_REPLICA_URLS: mysql.replicaUrls.join(','),
    REDIS_URL: redis.url ?? '',
    JWT_SECRET: auth.secret,
    // The balancer asks every 50 ms; a busy machine is given ten times that.
    DRAIN_MS: '1000',
    LOG_LEVEL: 'info'
  }
}

/** Several clients with kept connections, one request after the other each, until `enough`. */
async function sendUntil(front: string, enough: (sent: number) => boolean) {
  const agent = new Agent({ connections: clients })
  const paths = [`/api/profile/${known.therapist.id}`, '/api/profiles', `/api/profiles/${known.therapist.id}`]
  const failures: string[] = []
  let sent = 0
  let shed = 0
  const client = async () => {
    while (!enough(sent)) {
      const path = paths[sent++ % paths.length] ?? '/'
      try {
        const reply = await request(front + path, { dispatcher: agent })
        const body = await reply.body.text()
        // A machine busy with other tests makes an instance refuse on purpose; a restart has no part in that.
        if (body.includes('Too much to do at the moment')) shed++
        else if (reply.statusCode !== 200) failures.push(`${path}: ${reply.statusCode} ${body.slice(0, 200)}`)
      } catch (error) {
        failures.push(`${path}: ${error}`)
      }
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  await agent.destroy()
  return { sent, shed, failures }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await elapsed(10)
}
