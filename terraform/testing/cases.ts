// The .tftest.hcl cases, file by file, two files at a time.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Terraform } from './terraform.ts'

export type CaseFile = { file: string; passed: Promise<string> }

/** Runs the cases of a root that init has seen. `passed` tells how many, and rejects with terraform's own words. */
export function runCases(terraform: Terraform, root: string): CaseFile[] {
  const names = readdirSync(join(root, 'tests')).filter((name) => name.endsWith('.tftest.hcl'))
  const files = names.sort().map((name) => `tests/${name}`)
  const results = atMostTwo(
    files.map((file) => async () => {
      const { code, out, err } = await terraform.run(root, ['test', '-no-color', `-filter=${file}`])
      const verdict = out.trim().split('\n').at(-1) ?? ''
      if (code !== 0) throw new Error(`${file}: ${verdict}\n${err.trim()}`)
      if (!/[1-9]\d* passed/.test(verdict)) throw new Error(`${file} has no case`)
      return verdict
    })
  )
  return files.map((file, place) => ({
    file,
    passed: results[place] ?? Promise.reject(new Error('not run'))
  }))
}

/** Starts two, and the next in a lane whenever one has ended. */
export function atMostTwo<Result>(works: readonly (() => Promise<Result>)[]): Promise<Result>[] {
  const lanes: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()]
  return works.map((work, place) => {
    const lane = place % lanes.length
    const result = (lanes[lane] ?? Promise.resolve()).then(work)
    lanes[lane] = result.catch(() => {}) // whoever waits for it is told
    return result
  })
}
