import t from 'tap'
import { cursors } from '../../src/http/cursor.ts'
import { thrown } from './thrown.ts'

const { seal, open } = cursors('a secret of at least thirty-two bytes')
const position = [4.8, 'Núñez', null, '0199a3f2-5c1e-7d4a-9b7e-2f6c8a1d3e50']

t.test('a cursor leads back to where the page ended', async (t) => {
  t.same(open('city=madrid', seal('city=madrid', position)), position)
})

t.test('what a cursor says cannot be read in it', async (t) => {
  const cursor = seal('city=madrid', ['active', 'Marta Ribas', 'an id'])
  t.notMatch(Buffer.from(cursor, 'base64url').toString('latin1'), /Marta|active|id/)
  t.equal(cursor, seal('city=madrid', ['active', 'Marta Ribas', 'an id']), 'and one page has one cursor')
  t.not(
    cursor.slice(0, 16),
    seal('city=madrid', ['active', 'Marta Rius', 'an id']).slice(0, 16),
    'of a nonce of its own'
  )
})

t.test('a cursor of one list is refused by another', async (t) => {
  const cursor = seal('city=madrid', position)
  t.match(
    thrown(() => open('city=vigo', cursor)),
    { kind: 'invalid-parameter', errors: [{ parameter: 'cursor' }] }
  )
  const elsewhere = cursors('another secret of thirty-two bytes!')
  t.equal(thrown(() => elsewhere.open('city=madrid', cursor)).kind, 'invalid-parameter')
})

t.test('a cursor cannot be altered, cut, lengthened or made up', async (t) => {
  const cursor = seal('', position)
  for (let index = 0; index < cursor.length; index += 1) {
    const other = cursor[index] === 'A' ? 'B' : 'A'
    const altered = cursor.slice(0, index) + other + cursor.slice(index + 1)
    t.equal(thrown(() => open('', altered)).kind, 'invalid-parameter')
  }
  for (const forged of [
    '',
    'x',
    cursor.slice(0, -4),
    `${cursor}AAAA`,
    `${cursor}=`,
    ` ${cursor}`,
    'A'.repeat(5000)
  ]) {
    t.equal(thrown(() => open('', forged)).kind, 'invalid-parameter', forged.slice(0, 20))
  }
})
