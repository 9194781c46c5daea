import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { developmentSecret } from '../../bin/development-secret.ts'

t.test('whoever asks, however many at once, has the same secret, and nobody else may read it', async (t) => {
  const directory = join(t.testdir(), 'stack')
  const secrets = await Promise.all(Array.from({ length: 20 }, () => developmentSecret(directory)))
  t.equal(new Set(secrets).size, 1)
  t.match(secrets[0], /^[\w-]{64}$/)
  t.equal(await developmentSecret(directory), secrets[0])
  t.same(await readdir(directory), ['jwt-secret'])
  t.equal((await stat(join(directory, 'jwt-secret'))).mode & 0o777, 0o600)
})
