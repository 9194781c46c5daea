// The cost table of terraform/README.md: what the plan says of the seed's thousand requests a second. Between two marks.
import { billOf } from './bill.ts'
import { capacityOf } from './capacity.ts'
import type { Costs } from './costs.ts'
import { plainWish, type Wish } from './options.ts'
import { readmeTable } from './table.ts'

const marked = /(?<=<!-- plan -->\n)[\s\S]*?(?=<!-- end of plan -->)/

/** What the table is about. 3 KB as the seed has it. */
function readmeWish(): Wish {
  return { ...plainWish(), rps: 1000, payload: 3000, listPayload: 3000 }
}

/** @throws Error of one line where the marks are missing */
export function withTable(readme: string, costs: Costs): string {
  if (!marked.test(readme)) throw new Error('terraform/README.md has no <!-- plan --> … <!-- end of plan -->')
  const wish = readmeWish()
  const capacity = capacityOf(wish, costs)
  const table = readmeTable(wish, capacity, billOf(wish, capacity), costs.from)
  return readme.replace(marked, () => table)
}
