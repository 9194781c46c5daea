import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { known } from '../../db/seed/seed.ts'
import { endLeftovers } from '../../db/stack/claim.ts'
import { engines } from '../engines.ts'
import { skip } from '../nginx/edge.ts'
import { runNode } from '../node.ts'

async function throwaway(t: Test): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'turno-start-'))
  const directory = join(parent, 'stack')
  t.teardown(async () => {
    await leftIn(directory)
    await rm(parent, { recursive: true, force: true })
  })
  return directory
}

/** How many engines serve data under this directory. They are ended: whoever asks expects none. */
const leftIn = (directory: string) =>
  endLeftovers(['primary', 'replica-1', 'replica-2', 'redis'].map((name) => join(directory, name)))

/** What `npm start` runs, in a process group of its own as a terminal would give it. */
function start(t: Test, directory: string, options: string[] = [], environment: NodeJS.ProcessEnv = {}) {
  const parameters = ['bin/start.ts', '--directory', directory, ...options]
  const env = { PATH: process.env.PATH, PORT: '0', LOG_LEVEL: 'silent', DRAIN_MS: '0', ...environment }
  return runNode(t, '../bin/node.mjs', env, parameters)
}

/** Its engines run, and its data is being made. */
async function preparing(directory: string): Promise<void> {
  while (!existsSync(join(directory, 'settings.env'))) await pause(20)
}

const tiny = ['--scale', 'tiny']
const api = /API +(http:\S+)\/api\/profiles/

async function statusOf(url: string): Promise<number> {
  const reply = await fetch(`${url}/api/profile/${known.therapist.id}`)
  await reply.arrayBuffer()
  return reply.status
}

async function takenPort(t: Test): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

t.test(
  'npm start ends in a serving API with data; Ctrl-C leaves no process, a second start has the data',
  async (t) => {
    const directory = await throwaway(t)
    const first = start(t, directory, tiny)
    t.equal(await statusOf(await first.found(api)), 200)
    process.kill(-first.pid, 'SIGINT') // as a terminal does: to everybody at once
    const { code, err } = await first.ended
    t.equal(code, 0)
    t.match(err, /loaded 250 users/)
    t.equal(await leftIn(directory), 0)

    const second = start(t, directory, tiny)
    t.equal(await statusOf(await second.found(api)), 200)
    second.kill('SIGTERM')
    const again = await second.ended
    t.equal(again.code, 0)
    t.notMatch(again.err, /making new databases|loaded/)
    t.equal(await leftIn(directory), 0)
  }
)

t.test(
  'a second npm start joins the stack of the first while that prepares it, and leaves when it ends',
  async (t) => {
    const directory = await throwaway(t)
    const first = start(t, directory, tiny)
    await preparing(directory)
    const second = start(t, directory, tiny)
    const urls = await Promise.all([first.found(api), second.found(api)])
    t.same(await Promise.all(urls.map(statusOf)), [200, 200])
    first.kill('SIGINT')
    t.equal((await first.ended).code, 0)
    const { code, err } = await second.ended
    t.equal(code, 1)
    t.match(err, /joining the stack/)
    t.match(err, /the npm start that ran the databases has ended/)
    t.equal(await leftIn(directory), 0)
  }
)

t.test('with --edge an nginx with TLS stands in front, and ends with it', { skip }, async (t) => {
  const directory = await throwaway(t)
  const run = start(t, directory, [...tiny, '--edge'])
  const url = await run.found(/edge +(https:\S+)\/api\/profiles/)
  const agent = new Agent({ connect: { rejectUnauthorized: false } })
  t.teardown(() => agent.close())
  const ask = async () => {
    const reply = await request(`${url}/api/profile/${known.therapist.id}`, { dispatcher: agent })
    await reply.body.dump()
    return { status: reply.statusCode, said: reply.headers['cache-status'] }
  }
  const first = await ask()
  t.equal(first.status, 200)
  t.match([first.said].flat().join(), 'turno-edge; fwd=miss')
  run.kill('SIGINT')
  t.equal((await run.ended).code, 0)
  await t.rejects(ask(), 'nobody listens any more')
})

t.test('kill -9 of what npm runs takes everything with it', async (t) => {
  const directory = await throwaway(t)
  const run = start(t, directory, tiny)
  const url = await run.found(api)
  run.kill('SIGKILL')
  await run.ended
  const deadline = Date.now() + 20_000
  const isServing = () =>
    fetch(`${url}/health/live`).then(
      () => true,
      () => false
    )
  while (await isServing()) {
    if (Date.now() > deadline) throw new Error('it still serves')
    await pause(50)
  }
})

t.test(
  'interrupted while it prepares the data, it leaves no process, and the next start makes it whole',
  async (t) => {
    const directory = await throwaway(t)
    const run = start(t, directory, ['--scale', 'seed'])
    const hasBegun = async () => existsSync(join(directory, 'settings.env'))
    while (!(await hasBegun())) await pause(20)
    run.kill('SIGINT')
    t.equal((await run.ended).code, 130)
    t.equal(await leftIn(directory), 0)
    const again = start(t, directory, tiny)
    t.equal(await statusOf(await again.found(api)), 200)
    again.kill('SIGINT')
    t.equal((await again.ended).code, 0)
  }
)

t.test('a second Ctrl-C does not wait for the drain', async (t) => {
  const directory = await throwaway(t)
  const run = start(t, directory, tiny, { DRAIN_MS: '200000', SHUTDOWN_MS: '250000' })
  const url = await run.found(api)
  run.kill('SIGTERM')
  while ((await fetch(`${url}/health/ready`)).status !== 503) await pause(20)
  await pause(600) // longer than what counts as one press
  run.kill('SIGTERM')
  t.equal((await run.ended).code, 130)
  t.equal(await leftIn(directory), 0)
})

t.test('with databases named it starts nothing of its own', async (t) => {
  const { settings } = await engines(t, { replicas: 1 })
  const directory = await throwaway(t)
  const run = start(t, directory, [], {
    MYSQL_PRIMARY_URL: settings.mysql.primaryUrl,
    MYSQL_REPLICA_URLS: settings.mysql.replicaUrls.join(','),
    REDIS_URL: settings.redis.url ?? '',
    JWT_SECRET: settings.auth.secret
  })
  t.equal(await statusOf(await run.found(api)), 200)
  run.kill('SIGINT')
  t.equal((await run.ended).code, 0)
  t.notOk(existsSync(directory))
})

t.test('what cannot work is said in a line each, before anything starts', async (t) => {
  const directory = await throwaway(t)
  const port = await takenPort(t)
  const cases: [string, string[], NodeJS.ProcessEnv, RegExp[]][] = [
    [
      'a taken port',
      [],
      { PORT: String(port) },
      [new RegExp(`^turno: port ${port} on 127.0.0.1 is taken: set PORT`)]
    ],
    ['an unknown scale', ['--scale', 'huge'], {}, [/^turno: --scale huge is none of tiny, seed, x10/]],
    ['an unknown flag', ['--verbose'], {}, [/^turno: Unknown option '--verbose'/]],
    [
      'bad settings',
      [],
      { PORT: 'x', LOG_LEVEL: 'loud' },
      [/^turno: PORT is "x"/, /^turno: LOG_LEVEL is "loud"/]
    ],
    [
      'Redis alone',
      [],
      { REDIS_URL: 'redis://h' },
      [/^turno: REDIS_URL is set, but MYSQL_PRIMARY_URL is not/]
    ],
    ['no secret in production', [], { NODE_ENV: 'production' }, [/^turno: JWT_SECRET is not set/]]
  ]
  for (const [what, options, environment, lines] of cases) {
    const { code, err } = await start(t, directory, options, environment).ended
    t.equal(code, 1, what)
    t.match(err.trimEnd().split('\n'), lines, what)
    t.equal(err.trimEnd().split('\n').length, lines.length, `${what}: nothing else`)
    t.notOk(existsSync(join(directory, 'primary')), `${what}: no stack`)
  }
})
