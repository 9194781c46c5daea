// Entries that wait on disk: what a crash leaves of them is read back, and nothing else.
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Spool } from '../../src/audit/spool.ts'
import { runNode } from '../node.ts'
import { until } from '../until.ts'

async function folder(t: Test): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'turno-spool-'))
  t.teardown(() => rm(home, { recursive: true, force: true }))
  return home
}

/** All that a spool hands out. */
async function drained(spool: Spool): Promise<string[]> {
  const lines: string[] = []
  for (let taken = await spool.take(7); taken; taken = await spool.take(7)) lines.push(...taken.lines)
  return lines
}

const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `entry ${from + n}`)

/** The only segment below a spool's folder. */
async function segmentOf(home: string): Promise<string> {
  const [name = ''] = (await readdir(home, { recursive: true })).filter((one) => one.endsWith('.spool'))
  return join(home, name)
}

t.test('lines come back in order, and their file goes once they have arrived', async (t) => {
  const home = await folder(t)
  const spool = new Spool(home, 1_000_000)
  t.equal(await spool.append(numbered(10)), 10)
  const first = await spool.take(6)
  t.strictSame(first?.lines, numbered(6))
  t.equal(await spool.append(numbered(5, 10)), 5, 'others come while these are read back')
  const rest = [await spool.take(6), await spool.take(6)]
  t.strictSame(
    rest.flatMap((taken) => taken?.lines),
    numbered(9, 6)
  )
  t.equal(await spool.take(6), null)
  spool.rewind()
  t.strictSame(await drained(spool), numbered(15), 'all again, when nobody knows what arrived')
  spool.rewind()
  for (let taken = await spool.take(6); taken; taken = await spool.take(6)) await spool.settle(taken)
  t.equal(spool.bytes, 0)
  await spool.close()
  t.strictSame(await readdir(home), [])
})

t.test('a file cut at any byte gives back every whole line before it', async (t) => {
  const home = await folder(t)
  const spool = new Spool(home, 1_000_000)
  await spool.append(numbered(20))
  await spool.close()
  const whole = await readFile(await segmentOf(home))
  const lineEnds = [...whole.entries()].flatMap(([at, byte]) => (byte === 0x0a ? [at + 1] : []))
  for (let length = 0; length <= whole.length; length++) {
    const cut = join(home, 'cut')
    await mkdir(join(cut, 'dead'), { recursive: true })
    await writeFile(join(cut, 'dead', '000001.spool'), whole.subarray(0, length))
    const next = new Spool(cut, 1_000_000)
    await next.adopt()
    const kept = lineEnds.filter((end) => end <= length).length
    const lines = await drained(next)
    if (lines.join() !== numbered(kept).join()) t.fail(`cut at ${length}: ${lines.length} of ${kept}`)
    if (next.damaged !== Number(length > 0 && !lineEnds.includes(length))) t.fail(`cut at ${length}: damage`)
    await next.close()
    await rm(cut, { recursive: true, force: true })
  }
  t.pass(`${whole.length} places`)
})

t.test('a damaged line is left out, those around it are not', async (t) => {
  const home = await folder(t)
  const spool = new Spool(home, 1_000_000)
  await spool.append(numbered(9))
  await spool.close()
  const path = await segmentOf(home)
  const bytes = await readFile(path)
  bytes[bytes.indexOf('entry 4') + 6] = 0x39
  await writeFile(path, bytes)
  const next = new Spool(home, 1_000_000)
  await next.adopt()
  t.strictSame(await drained(next), [...numbered(4), ...numbered(4, 5)])
  t.equal(next.damaged, 1)
  await next.close()
})

t.test('it takes no more than its limit, and says what it took', async (t) => {
  const spool = new Spool(await folder(t), 200)
  t.equal(await spool.append(numbered(30)), 11)
  t.equal(await spool.append(numbered(30)), 0)
  t.ok(spool.bytes <= 200)
  await spool.close()
})

t.test('what a killed process has acknowledged is taken over, once, and not before it is dead', async (t) => {
  const home = await folder(t)
  // A Redis that is not there: everything goes to disk.
  const child = runNode(t, 'fixtures/audit-recorder.ts', {
    PATH: process.env.PATH,
    REDIS_URL: 'redis://127.0.0.1:1',
    SPOOL: home
  })
  await child.found(/((?:\S+\n){200})/)
  const spool = new Spool(home, 1_000_000)
  await spool.adopt()
  t.strictSame(await drained(spool), [], 'its owner lives')
  child.kill('SIGKILL')
  const said = (await child.ended).out.split('\n').filter((line) => line.length === 36)
  await until('the kernel has given its folder free', async () => {
    await spool.adopt()
    return spool.bytes > 0
  })
  const other = new Spool(home, 1_000_000)
  await other.adopt()
  t.strictSame(await drained(other), [], 'a third finds it taken')
  const ids = (await drained(spool)).map((line) => JSON.parse(line).id)
  t.ok(said.length >= 200)
  t.strictSame(ids.slice(0, said.length), said, 'in order; after them at most what nobody was told of')
  t.equal(new Set(ids).size, ids.length)
  await other.close()
  await spool.close()
})

t.test('a segment cut under a reader’s feet is what is left of it', async (t) => {
  const home = await folder(t)
  const spool = new Spool(home, 1_000_000)
  await spool.append(numbered(3))
  await truncate(await segmentOf(home), 25)
  t.strictSame(await drained(spool), numbered(1))
  await spool.close()
})
