import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const hook = new URL('../../db/drizzle-imports.ts', import.meta.url).href
const root = fileURLToPath(new URL('../..', import.meta.url))

/** The most that a Node took which did nothing but load these, MiB. */
async function mostMemory(...modules: string[]): Promise<number> {
  const loads = modules.map((one) => `await import('${one}')`)
  const script = `${loads.join(';')}; console.log(process.resourceUsage().maxRSS / 1024)`
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    timeout: 60_000
  })
  return Number((await run).stdout)
}

t.test('Drizzle is loaded without reading its package.json a hundred times', async (t) => {
  const [before, after] = await Promise.all([
    mostMemory(hook),
    mostMemory(hook, 'drizzle-orm', 'drizzle-orm/mysql2')
  ])
  t.ok(after - before < 60, `it took ${after} MiB, ${before} before`)
})
