import t from 'tap'
import { ByText } from '../../src/http/by-text.ts'

t.test('what was set is found, or has made room; never is another found', (t) => {
  const known = new ByText<string>(64)
  const urls = Array.from(
    { length: 1_000 },
    (_, i) => `/api/profile/${(i * 7_919).toString(16).padStart(12, '0')}`
  )
  let found = 0
  const wrong: string[] = []
  for (const [i, url] of urls.entries()) {
    if (known.get(url) !== undefined) wrong.push(url)
    known.set(url, url)
    for (const earlier of urls.slice(Math.max(0, i - 9), i + 1)) {
      const value = known.get(earlier)
      if (value === earlier) found++
      else if (value !== undefined || earlier === url) wrong.push(earlier)
    }
  }
  t.same(wrong, [])
  t.ok(found > 8_500, `${found} of about 10,000 that were set lately are there`)
  t.end()
})

t.test('ids that were given one after another have places of their own', (t) => {
  const known = new ByText<number>(8_192)
  const urls = Array.from(
    { length: 2_000 },
    (_, i) => `/api/profile/018e0000-0000-7b10-8000-${i.toString(16).padStart(12, '0')}`
  )
  for (const [i, url] of urls.entries()) known.set(url, i)
  const found = urls.filter((url, i) => known.get(url) === i).length
  t.ok(found > 1_900, `${found} of 2,000`)
  t.end()
})

t.test('a second value takes the place of the first, and two that share a place live side by side', (t) => {
  const known = new ByText<number>(2)
  known.set('/a', 1)
  known.set('/a', 2)
  t.equal(known.get('/a'), 2)
  known.set('/b', 3)
  t.same([known.get('/a'), known.get('/b')], [2, 3])
  t.equal(known.get(''), undefined)
  t.end()
})
