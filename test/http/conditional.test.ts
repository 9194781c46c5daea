import t from 'tap'
import { entityTag, matchIfNoneMatch, representationTag, requireMatch } from '../../src/http/conditional.ts'
import { thrown } from './thrown.ts'

const tag = representationTag('{"name":"Ana"}', 7)

t.test('a tag names the version, the bytes and their coding', async (t) => {
  t.match(entityTag(tag, 'identity'), /^"7-[0-9a-f]{16}"$/)
  t.equal(entityTag(tag, 'br'), `"${tag}-br"`)
  t.not(representationTag('{"name":"Eva"}', 7), tag)
  t.match(representationTag('{}'), /^[0-9a-f]{16}$/)
})

t.test('whoever has the representation is not sent it again', async (t) => {
  t.equal(matchIfNoneMatch(`"${tag}"`, tag), `"${tag}"`)
  t.equal(matchIfNoneMatch(`W/"${tag}"`, tag), `"${tag}"`, 'also when a proxy made the tag weak')
  t.equal(matchIfNoneMatch(`"x", "${tag}-gzip"`, tag), `"${tag}-gzip"`, 'in the coding that they have')
  t.equal(matchIfNoneMatch('*', tag), `"${tag}"`)
})

t.test('whoever has another one is', async (t) => {
  t.equal(matchIfNoneMatch(undefined, tag), null)
  t.equal(matchIfNoneMatch('"6-0000000000000000"', tag), null)
  t.equal(matchIfNoneMatch(`"1${tag}"`, tag), null, 'a tag that merely contains ours')
  t.equal(matchIfNoneMatch(`"${tag}-sum"`, tag), null)
  t.equal(matchIfNoneMatch(tag, tag), null, 'a tag without quotes is none')
})

t.test('a writer who has seen the row as it is may write', async (t) => {
  for (const header of [
    `"${tag}"`,
    `"${tag}-br"`,
    '"7-0123456789abcdef"',
    `"6-0123456789abcdef", "${tag}"`,
    '*'
  ]) {
    t.doesNotThrow(() => requireMatch(header, 7, true), header)
  }
})

t.test('a writer who has not is told that it changed', async (t) => {
  for (const header of [
    '"6-0123456789abcdef"',
    `W/"${tag}"`,
    '"7"',
    '"77-0123456789abcdef"',
    'nonsense',
    ''
  ]) {
    t.equal(thrown(() => requireMatch(header, 7, true)).kind, 'precondition-failed', header)
  }
})

t.test('a writer who says nothing is asked to, where it matters', async (t) => {
  t.equal(thrown(() => requireMatch(undefined, 7, true)).kind, 'precondition-required')
  t.doesNotThrow(() => requireMatch(undefined, 7, false))
})
