import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import t, { type Test } from 'tap'
import { endLeftovers } from '../../db/stack/claim.ts'
import { type Engine, joinStack, StackIsRunning, startStack, urlsOf } from '../../db/stack/stack.ts'
import { runNode } from '../node.ts'

const answerMs = 5000

async function ask(engine: Pick<Engine, 'url'>, sql: string, timeout = answerMs): Promise<RowDataPacket[]> {
  const connection = await createConnection({ uri: engine.url, connectTimeout: timeout })
  try {
    const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout })
    return Array.isArray(rows) ? rows : []
  } finally {
    connection.destroy()
  }
}

/** What `sql` gives on the replica once it has all that the primary has now. */
async function askAfter(primary: Engine, replica: Engine, sql: string): Promise<RowDataPacket[]> {
  const [row] = await ask(primary, 'SELECT @@gtid_binlog_pos AS position')
  await ask(replica, `SELECT MASTER_GTID_WAIT('${row?.position}', 30)`, 60_000)
  return ask(replica, sql)
}

async function throwaway(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'turno-stack-'))
  t.teardown(async () => {
    await leftIn(directory)
    await rm(directory, { recursive: true, force: true })
  })
  return directory
}

/** How many engines serve data under this directory. They are ended: whoever asks expects none. */
const leftIn = (directory: string) =>
  endLeftovers(['primary', 'replica-1', 'replica-2', 'redis'].map((name) => join(directory, name)))

/** A process that has ended but that nobody has asked about yet (a zombie) is not alive. */
function isAlive(pid: number): boolean {
  const file = `/proc/${pid}/status`
  return existsSync(file) && !/^State:\s+Z/m.test(readFileSync(file, 'utf8'))
}

t.test('a primary, two replicas and Redis', async (t) => {
  const directory = await throwaway(t)
  const stack = await startStack({ directory, throwaway: true })
  t.teardown(stack.stop)
  const { primary, replicas } = stack.mysql
  await ask(primary, 'CREATE TABLE notes (text VARCHAR(40) PRIMARY KEY)')

  await t.test('what is written to the primary is on both replicas, by GTID', async (t) => {
    await ask(primary, "INSERT INTO notes VALUES ('first')")
    t.equal(replicas.length, 2)
    for (const replica of replicas) {
      t.match(await askAfter(primary, replica, 'SELECT text FROM notes'), [{ text: 'first' }])
      t.match(await ask(replica, 'SHOW SLAVE STATUS'), [{ Using_Gtid: 'Slave_Pos' }])
    }
  })

  await t.test('the servers are in UTC, READ COMMITTED and utf8mb4', async (t) => {
    const settings =
      'SELECT @@time_zone AS zone, @@tx_isolation AS isolation, @@character_set_database AS charset'
    for (const engine of [primary, ...replicas]) {
      const [row] = await ask(engine, settings)
      t.match(row, { zone: '+00:00', isolation: 'READ-COMMITTED', charset: 'utf8mb4' })
    }
  })

  await t.test('a replica refuses to be written to', async (t) => {
    const [replica] = replicas
    if (replica === undefined) throw new Error('no replica')
    await t.rejects(ask(replica, "INSERT INTO notes VALUES ('wrong')"), {
      code: 'ER_OPTION_PREVENTS_STATEMENT'
    })
  })

  await t.test('only who knows the password gets in', async (t) => {
    await t.rejects(ask({ url: primary.url.replace(/:[^:@]+@/, ':guess@') }, 'SELECT 1'), {
      code: 'ER_ACCESS_DENIED_ERROR'
    })
    await t.rejects(ask({ url: primary.url.replace('turno:', 'root:') }, 'SELECT 1'))
    const stranger = new Redis(stack.redis.url.replace(/:[^:@]+@/, ''), {
      lazyConnect: true,
      enableReadyCheck: false
    })
    stranger.on('error', () => {})
    t.teardown(() => stranger.disconnect())
    await t.rejects(stranger.get('anything'), /NOAUTH/)
  })

  await t.test('a replica that was killed comes back on its port and catches up', async (t) => {
    const [replica] = replicas
    if (replica === undefined) throw new Error('no replica')
    const { pid, port } = replica
    await replica.kill()
    t.notOk(isAlive(pid))
    await t.rejects(ask(replica, 'SELECT 1'), { code: 'ECONNREFUSED' })
    await ask(primary, "INSERT INTO notes VALUES ('while it was away')")
    await replica.restart()
    t.equal(replica.port, port)
    t.not(replica.pid, pid)
    t.equal((await ask(replica, 'SELECT text FROM notes')).length, 2, 'it follows when restart has returned')
  })

  await t.test(
    'a primary that was killed has what it had committed, and the replicas find it again',
    async (t) => {
      await primary.kill()
      await primary.restart()
      await ask(primary, "INSERT INTO notes VALUES ('after the crash')")
      for (const replica of replicas)
        t.equal((await askAfter(primary, replica, 'SELECT text FROM notes')).length, 3, replica.name)
    }
  )

  await t.test('a hung server says nothing until it is resumed', async (t) => {
    primary.hang()
    await t.rejects(ask(primary, 'SELECT 1', 200), 'no answer')
    primary.resume()
    t.equal((await ask(primary, 'SELECT 1')).length, 1)
  })

  await t.test('Redis comes back empty', async (t) => {
    const client = new Redis(stack.redis.url, { lazyConnect: true, retryStrategy: () => null })
    await client.set('key', 'value')
    client.disconnect()
    await stack.redis.kill()
    await stack.redis.restart()
    const again = new Redis(stack.redis.url)
    t.teardown(() => again.disconnect())
    t.equal(await again.get('key'), null)
  })

  await t.test('stopped, also while one of them hangs, it leaves no process', async (t) => {
    const engines = [primary, ...replicas, stack.redis]
    replicas[0]?.hang()
    await stack.stop()
    t.same(
      engines.map(({ pid }) => isAlive(pid)),
      [false, false, false, false]
    )
    t.equal(await leftIn(directory), 0)
  })
})

t.test('a stack that is started again has its data and its ports', async (t) => {
  const directory = await throwaway(t)
  const first = await startStack({ directory, replicas: 1 })
  await ask(first.mysql.primary, 'CREATE TABLE kept (id INT PRIMARY KEY)')
  await first.stop()
  const second = await startStack({ directory, replicas: 1 })
  t.teardown(second.stop)
  t.same(urlsOf(second), urlsOf(first))
  t.same(await ask(second.mysql.primary, 'SELECT * FROM kept'), [])
})

t.test('a replica more gets all there ever was', async (t) => {
  const directory = await throwaway(t)
  const one = await startStack({ directory, replicas: 0 })
  await ask(one.mysql.primary, 'CREATE TABLE early (id INT PRIMARY KEY)')
  await one.stop()
  const two = await startStack({ directory, replicas: 1 })
  t.teardown(two.stop)
  const [replica] = two.mysql.replicas
  if (replica === undefined) throw new Error('no replica')
  t.same(await ask(replica, 'SELECT * FROM early'), [])
})

/** Runs a stack in another process, and tells what runs there. */
async function ownedByAnother(t: Test, directory: string) {
  const owner = runNode(t, './fixtures/stack-owner.ts', process.env, [directory])
  const engines: { pid: number; url: string }[] = JSON.parse(await owner.found(/^(\[.*\])$/m))
  return { ...owner, engines, pids: engines.map(({ pid }) => pid) }
}

t.test('kill -9 of the owner: its engines end, the next start has their data', async (t) => {
  const directory = await throwaway(t)
  const owner = await ownedByAnother(t, directory)
  const [primary] = owner.engines
  if (primary === undefined) throw new Error('no primary')
  await ask(primary, 'CREATE TABLE survivor (id INT PRIMARY KEY)')
  owner.kill('SIGKILL')
  await owner.ended
  const deadline = Date.now() + 20_000
  while (owner.pids.some(isAlive) && Date.now() < deadline) await pause(20)
  t.same(owner.pids.filter(isAlive), [], 'the kernel has told them')
  const stack = await startStack({ directory, replicas: 1 })
  t.teardown(stack.stop)
  t.same(await ask(stack.mysql.primary, 'SELECT * FROM survivor'), [])
})

t.test('kill -9 of the owner of engines that hang: the next start ends them', async (t) => {
  const directory = await throwaway(t)
  const owner = await ownedByAnother(t, directory)
  for (const pid of owner.pids) process.kill(pid, 'SIGSTOP')
  owner.kill('SIGKILL')
  await owner.ended
  t.same(owner.pids.filter(isAlive), owner.pids, 'they hear no signal')
  const lines: string[] = []
  const stack = await startStack({ directory, replicas: 1, report: (line) => lines.push(line) })
  t.teardown(stack.stop)
  t.same(owner.pids.filter(isAlive), [])
  t.match(lines, [/left behind/])
})

t.test('SIGTERM to the owner leaves no process', async (t) => {
  const owner = await ownedByAnother(t, await throwaway(t))
  owner.kill('SIGTERM')
  t.equal((await owner.ended).code, 0)
  t.same(owner.pids.filter(isAlive), [])
})

t.test(
  'a stack that another process runs is not started twice; it can be joined, and its end is heard',
  async (t) => {
    const directory = await throwaway(t)
    const owner = await ownedByAnother(t, directory)
    await t.rejects(startStack({ directory }), StackIsRunning)
    const joined = await joinStack(directory)
    t.equal(joined?.urls.primaryUrl, owner.engines[0]?.url)
    owner.kill('SIGKILL')
    await joined?.gone
    t.equal(await joinStack(directory), null)
  }
)

t.test('two stacks start beside each other', async (t) => {
  const directories = [await throwaway(t), await throwaway(t)]
  const stacks = await Promise.all(
    directories.map((directory) => startStack({ directory, replicas: 1, throwaway: true }))
  )
  for (const stack of stacks) t.teardown(stack.stop)
  const ports = stacks.flatMap(({ mysql, redis }) =>
    [mysql.primary, ...mysql.replicas, redis].map((e) => e.port)
  )
  t.equal(new Set(ports).size, 6)
})

t.test('an engine that does not start is told with the end of its log, and nothing stays', async (t) => {
  const directory = await throwaway(t)
  await mkdir(join(directory, 'primary'))
  await t.rejects(
    startStack({ directory, replicas: 1 }),
    /^primary did not start: it ended\. Its log .*\n.*ERROR/s
  )
  t.equal(await leftIn(directory), 0)
})

t.test('given up at any moment of its start, it leaves no process', async (t) => {
  for (const wait of [0, 150, 300]) {
    const directory = await throwaway(t)
    const reason = new Error(`after ${wait} ms`)
    const abort = new AbortController()
    const starting = startStack({ directory, throwaway: true, abort: abort.signal })
    starting.catch(() => {})
    await pause(wait)
    abort.abort(reason)
    await t.rejects(starting, reason)
    t.equal(await leftIn(directory), 0)
    t.notMatch(await readdir(directory), ['stack.json'], 'nobody takes it for a stack that ran')
  }
})
