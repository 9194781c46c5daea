import { createHash } from 'node:crypto'
import t from 'tap'
import { perMinute, perQuarterHour } from '../../src/limits/limit.ts'
import { bareSettings } from '../bare-app.ts'
import { limited } from '../limits/app.ts'

const from = (remoteAddress: string, headers: Record<string, string> = {}) => ({ remoteAddress, headers })
const plain = async () => ({})

t.test('an address is answered as often as the settings say, and then told how long to wait', async (t) => {
  const app = await limited(t, bareSettings({ RATE_LIMIT_READS_PER_MINUTE: '3' }), (app) => {
    app.get('/', plain)
  })
  for (const left of [2, 1, 0]) {
    const { statusCode, headers } = await app.inject({ url: '/', ...from('192.0.2.1') })
    t.equal(statusCode, 200)
    t.equal(headers['ratelimit-policy'], '"default";q=3;w=60')
    t.match(headers.ratelimit, new RegExp(`^"default";r=${left};t=([1-9]|[1-5]\\d|60)$`))
  }
  const refused = await app.inject({ url: '/', ...from('192.0.2.1') })
  t.equal(refused.statusCode, 429)
  t.match(refused.json(), {
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Request cannot be satisfied as assigned quota has been exceeded',
    'violated-policies': ['default']
  })
  const wait = Number(refused.headers['retry-after'])
  t.ok(wait >= 1 && wait <= 120, `Retry-After: ${wait}`)
  t.equal(refused.headers.ratelimit, `"default";r=0;t=${wait}`, 'both say the same')
  t.equal(refused.headers['ratelimit-policy'], '"default";q=3;w=60')
  t.equal(refused.headers['cache-control'], 'no-store')
  t.notOk(Object.keys(refused.headers).some((name) => /^x-ratelimit|^ratelimit-(limit|reset)/.test(name)))

  t.equal((await app.inject({ url: '/', ...from('192.0.2.2') })).statusCode, 200, 'nobody else is held up')
})

t.test('HEAD and paths that there are not are counted with the rest, each once', async (t) => {
  const app = await limited(t, bareSettings({ RATE_LIMIT_READS_PER_MINUTE: '4' }), (app) => {
    app.get('/', plain)
  })
  t.match((await app.inject({ method: 'HEAD', url: '/' })).headers.ratelimit, /r=3/)
  t.match((await app.inject('/')).headers.ratelimit, /r=2/)
  t.match((await app.inject('/nowhere')).headers.ratelimit, /r=1/)
  t.match((await app.inject({ method: 'POST', url: '/' })).headers.ratelimit, /r=0/)
  t.equal((await app.inject('/nowhere')).statusCode, 429)
})

t.test('a route has the limits that it names, and no others', async (t) => {
  const app = await limited(t, bareSettings({ RATE_LIMIT_READS_PER_MINUTE: '1' }), (app) => {
    app.get('/health', { config: { limits: [] } }, plain)
    app.get('/search', { config: { limits: [perMinute('search', 2)] } }, plain)
    app.get('/', plain)
  })
  const statuses = async (url: string, times: number) => {
    const answers = []
    for (let i = 0; i < times; i++) answers.push((await app.inject(url)).statusCode)
    return answers
  }
  t.same(await statuses('/health', 5), [200, 200, 200, 200, 200])
  t.same(await statuses('/search', 3), [200, 200, 429])
  t.same(await statuses('/', 2), [200, 429])
})

t.test('no limit holds where the settings say 0', async (t) => {
  const app = await limited(t, bareSettings(), (app) => {
    app.post('/login', { config: { limits: app.limits.login } }, plain)
  })
  for (let i = 0; i < 10; i++) {
    const { statusCode, headers } = await app.inject({
      method: 'POST',
      url: '/login',
      payload: { email: 'a@b.c' }
    })
    t.equal(statusCode, 200)
    t.equal(headers.ratelimit, undefined)
  }
})

t.test('all addresses of one IPv6 network are counted as one', async (t) => {
  const app = await limited(t, bareSettings({ RATE_LIMIT_READS_PER_MINUTE: '2' }), (app) => {
    app.get('/', plain)
  })
  const ask = async (address: string) => (await app.inject({ url: '/', ...from(address) })).statusCode
  t.equal(await ask('2001:db8:1:2::1'), 200)
  t.equal(await ask('2001:db8:1:2:ffff:ffff:ffff:ffff'), 200)
  t.equal(await ask('2001:0db8:0001:0002::abcd'), 429)
  t.equal(await ask('2001:db8:1:3::1'), 200)
})

t.test('an address that a client makes up counts for nothing; that of a trusted proxy does', async (t) => {
  const settings = bareSettings({ RATE_LIMIT_READS_PER_MINUTE: '2', TRUST_PROXY: '10.0.0.0/8' })
  const app = await limited(t, settings, (app) => {
    app.get('/', plain)
  })
  const ask = async (address: string, forwarded: string) =>
    (await app.inject({ url: '/', ...from(address, { 'x-forwarded-for': forwarded }) })).statusCode

  t.equal(await ask('192.0.2.9', '198.51.100.1'), 200)
  t.equal(await ask('192.0.2.9', '198.51.100.2'), 200)
  t.equal(await ask('192.0.2.9', '198.51.100.3'), 429, 'the peer is no proxy of ours')

  t.equal(await ask('10.0.0.1', '203.0.113.1, 198.51.100.7'), 200)
  t.equal(await ask('10.0.0.1', '203.0.113.2, 198.51.100.7'), 200)
  t.equal(
    await ask('10.0.0.1', '203.0.113.3, 198.51.100.7'),
    429,
    'what the client wrote before the proxy did'
  )
  t.equal(await ask('10.0.0.1', '198.51.100.8'), 200)
})

t.test('who brings an API key has a number of his own, wherever he comes from', async (t) => {
  const key = 'a key of a partner'
  const sha256 = createHash('sha256').update(key).digest('hex')
  const settings = bareSettings({
    RATE_LIMIT_READS_PER_MINUTE: '1',
    RATE_LIMIT_API_KEYS: `partner:3:${sha256}`
  })
  const app = await limited(t, settings, (app) => {
    app.get('/', plain)
  })
  const ask = async (address: string, apiKey: string) =>
    (await app.inject({ url: '/', ...from(address, { 'x-api-key': apiKey }) })).statusCode
  t.equal(await ask('192.0.2.1', key), 200)
  t.equal(await ask('192.0.2.2', key), 200)
  t.equal(await ask('192.0.2.2', key), 200)
  t.equal(await ask('192.0.2.3', key), 429)
  t.equal(await ask('192.0.2.4', 'another key'), 200)
  t.equal(await ask('192.0.2.4', 'yet another'), 429, 'a key that nobody knows is none')
})

t.test('signing in is limited for the e-mail, for the address, and for both together', async (t) => {
  const settings = bareSettings({ RATE_LIMIT_LOGINS: '2', RATE_LIMIT_LOGINS_PER_ADDRESS: '3' })
  const app = await limited(t, settings, (app) => {
    app.post('/login', { config: { limits: app.limits.login } }, plain)
  })
  const signIn = async (email: string, address: string) => {
    const answer = await app.inject({ method: 'POST', url: '/login', payload: { email }, ...from(address) })
    return answer.statusCode === 200 ? 'admitted' : answer.json()['violated-policies'][0]
  }
  t.equal(await signIn('ana@example.es', '192.0.2.1'), 'admitted')
  t.equal(await signIn('ANA@example.es', '192.0.2.1'), 'admitted')
  t.equal(await signIn('ana@example.es', '192.0.2.1'), 'login')
  t.equal(await signIn('ana@example.es', '192.0.2.2'), 'login-email')
  t.equal(await signIn('eva@example.es', '192.0.2.1'), 'admitted')
  t.equal(await signIn('luz@example.es', '192.0.2.1'), 'login-address')
  t.equal(await signIn('luz@example.es', '192.0.2.2'), 'admitted')
})

t.test('a request that is not well formed has not been an attempt', async (t) => {
  const app = await limited(t, bareSettings({ RATE_LIMIT_LOGINS: '1' }), (app) => {
    const body = { type: 'object', required: ['email'], properties: { email: { type: 'string' } } }
    app.post('/login', { config: { limits: app.limits.login }, schema: { body } }, plain)
  })
  const signIn = async (payload: object) =>
    (await app.inject({ method: 'POST', url: '/login', payload })).statusCode
  t.equal(await signIn({}), 422)
  t.equal(await signIn({ email: 'ana@example.es' }), 200)
  t.equal(await signIn({ email: 'ana@example.es' }), 429)
})

t.test('who pays is told how he stands with each limit that holds', async (t) => {
  const settings = bareSettings({ RATE_LIMIT_READS_PER_MINUTE: '50', RATE_LIMIT_PAYMENTS: '10' })
  const app = await limited(t, settings, (app) => {
    app.addHook('preValidation', async (request) => {
      request.caller = { id: String(request.headers.caller), role: 'client' }
    })
    app.post('/payments', { config: { limits: app.limits.payments } }, plain)
  })
  const pay = (caller: string) => app.inject({ method: 'POST', url: '/payments', headers: { caller } })
  const first = await pay('ana')
  t.equal(first.headers['ratelimit-policy'], '"default";q=50;w=60, "payments";q=10;w=900')
  t.match(first.headers.ratelimit, /^"default";r=49;t=\d+, "payments";r=9;t=\d+$/)
  for (let i = 0; i < 9; i++) t.equal((await pay('ana')).statusCode, 200)
  const refused = await pay('ana')
  t.equal(refused.statusCode, 429)
  t.equal(refused.headers['ratelimit-policy'], '"payments";q=10;w=900')
  const wait = Number(refused.headers['retry-after'])
  t.ok(wait > 800 && wait <= 900, `from now until the first is a quarter of an hour old: ${wait} s`)
  t.equal((await pay('eva')).statusCode, 200, 'from the same address')
})

t.test('exact limits of a route hold in the order in which it names them', async (t) => {
  const both = [
    perQuarterHour('own', 1, ({ headers }) => String(headers.who)),
    perQuarterHour('shared', 2, () => 'all')
  ]
  const app = await limited(t, bareSettings(), (app) => {
    app.get('/', { config: { limits: both } }, plain)
  })
  const ask = async (who: string) =>
    (await app.inject({ url: '/', headers: { who } })).json()['violated-policies']
  t.equal(await ask('ana'), undefined)
  for (let i = 0; i < 5; i++) t.same(await ask('ana'), ['own'])
  t.equal(await ask('eva'), undefined, 'who is refused by his own limit has not spent what is shared')
  t.same(await ask('luz'), ['shared'])
})
