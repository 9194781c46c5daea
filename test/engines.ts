// Real engines for one test file: a stack of its own on throw-away data, gone when the file's tests are over.

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { migrate } from '../db/migrate.ts'
import { type Scale, seed } from '../db/seed/seed.ts'
import { type Stack, startStack, urlsOf } from '../db/stack/stack.ts'
import { readSettings, type Settings } from '../src/config.ts'
import { unlimited } from './node.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const templates = join(root, '.local', 'test')
const MARK = 'turno-test-'
const DAY_MS = 86_400_000

/**
 * Starts a primary, `replicas` replicas (2) and Redis, migrated and holding the seed data of `scale` ('tiny';
 * 'empty' for none), and settings of a service that uses them on any free port. Torn down with `t`, also when the
 * test fails; a killed test run takes its engines with it.
 */
export async function engines(
  t: Pick<Test, 'teardown'>,
  options: { replicas?: number; scale?: Scale | 'empty' } = {}
): Promise<Stack & { settings: Settings }> {
  const { replicas = 2, scale = 'tiny' } = options
  await sweep()
  const template = await templateOf(scale)
  const directory = await mkdtemp(join(tmpdir(), `${MARK}${process.pid}-`))
  const remove = () => rm(directory, { recursive: true, force: true })
  const stack = await startStack({ directory, replicas, template, throwaway: true }).catch(async (error) => {
    await remove()
    throw error
  })
  t.teardown(async () => {
    await stack.stop()
    await remove()
  })
  return { ...stack, settings: settingsFor(stack, directory) }
}

function settingsFor(stack: Stack, directory: string): Settings {
  const { primaryUrl, replicaUrls, redisUrl } = urlsOf(stack)
  return readSettings({
    NODE_ENV: 'test',
    PORT: '0',
    MYSQL_PRIMARY_URL: primaryUrl,
    MYSQL_REPLICA_URLS: replicaUrls.join(','),
    REDIS_URL: redisUrl,
    JWT_SECRET: 'for the tests of this checkout, and nobody else',
    AUDIT_SPOOL_DIR: join(directory, 'audit'),
    DRAIN_MS: '0',
    // Instances share a process, and a busy machine, with the test that asks them. plugins/load-shedding has its own.
    SHED_DELAY_MS: '0',
    LOG_LEVEL: 'silent',
    ...unlimited
  })
}

/**
 * Migrating and seeding take seconds, copying files does not: the data is made once for each state of the code that
 * makes it. Several test files may come here at once: each builds aside, the first to finish gives it its name.
 */
async function templateOf(scale: Scale | 'empty'): Promise<string> {
  const template = join(templates, `${scale}-${await fingerprint()}`)
  if (existsSync(template)) return template
  await mkdir(templates, { recursive: true })
  const aside = await mkdtemp(join(templates, 'new-'))
  try {
    const stack = await startStack({ directory: aside, replicas: 0, throwaway: true })
    try {
      await migrate(stack.mysql.primary.url)
      if (scale !== 'empty') await seed(stack.mysql.primary.url, scale)
    } finally {
      await stack.stop()
    }
    await rename(aside, template)
  } catch (error) {
    await rm(aside, { recursive: true, force: true })
    if (!existsSync(template)) throw error
  }
  return template
}

/** Of the code that decides what is in the data. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256')
  const folders = ['migrations', 'seed', 'stack'].map((name) => join(root, 'db', name))
  const listed = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder, { recursive: true })).map((name) => join(folder, name))
    )
  )
  const holidays = join(root, 'db', 'holidays.es.json')
  const paths = [holidays, ...listed.flat().filter((path) => /\.(ts|sql|json)$/.test(path))]
  for (const path of paths.sort()) hash.update(path).update(await readFile(path))
  return hash.digest('hex').slice(0, 16)
}

/** Removes what killed test runs have left on disk (their engines died with them), and templates of older code. */
async function sweep(): Promise<void> {
  const left = (await readdir(tmpdir())).filter((name) => name.startsWith(MARK))
  const orphans = left.filter((name) => !existsSync(`/proc/${name.slice(MARK.length).split('-')[0]}`))
  const made = existsSync(templates) ? await readdir(templates) : []
  const ages = await Promise.all(made.map((name) => stat(join(templates, name)).catch(() => null)))
  const old = made.filter((_, index) => Date.now() - (ages[index]?.mtimeMs ?? Date.now()) > DAY_MS)
  const paths = [...orphans.map((name) => join(tmpdir(), name)), ...old.map((name) => join(templates, name))]
  await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true })))
}
