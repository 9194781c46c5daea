import t from 'tap'
import { negotiateEncoding } from '../../src/http/encoding.ts'

const wishes: [string | undefined, string, string][] = [
  [undefined, 'identity', 'a client that says nothing gets plain bytes'],
  ['', 'identity', 'so does one that says it in so many words'],
  ['gzip, deflate, br, zstd', 'br', 'a browser gets the fewest bytes'],
  ['gzip, deflate, zstd', 'zstd', 'and the next best where the best is missing'],
  ['gzip;q=1.0, br;q=0.5', 'gzip', 'a weight beats our preference'],
  ['br;q=0, gzip', 'gzip', 'what is refused is not sent'],
  ['*', 'br', 'a star stands for whatever is not named'],
  ['br;q=0, *;q=0.5', 'zstd', 'and not for what is'],
  ['identity;q=1, *;q=0.5', 'identity', 'plain bytes are sent to who prefers them'],
  ['deflate, compress', 'identity', 'codings that we do not have leave plain bytes'],
  ['*;q=0', 'identity', 'a client that refuses everything still gets an answer'],
  ['GZIP ; Q=1', 'gzip', 'neither case nor space matters'],
  ['gzip;q=banana', 'identity', 'what cannot be read is not wanted'],
  ['gzip;q=2', 'identity', 'nor what is out of range']
]

for (const [header, expected, sentence] of wishes) {
  t.test(`${sentence} (${header})`, async (t) => {
    t.equal(negotiateEncoding(header), expected)
    t.equal(negotiateEncoding(header), expected, 'also when it is remembered')
  })
}

t.test('a stranger who invents headers does not make the memory grow without end', async (t) => {
  for (let count = 0; count < 2000; count += 1) negotiateEncoding(`gzip;q=0.5, x-${count}`)
  t.equal(negotiateEncoding('gzip, br'), 'br')
})
