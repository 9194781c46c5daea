import fc from 'fast-check'
import t from 'tap'
import { networkOf } from '../../src/limits/address.ts'
import { countedIn, waitFor } from '../../src/limits/window.ts'

const windowMs = 60_000
const counts = fc.record({ current: fc.nat(200), previous: fc.nat(200) })
const elapsed = fc.double({ min: 0, max: 0.999, noNaN: true })

/** What is counted so much later, if nothing is added. */
function later(
  { current, previous }: { current: number; previous: number },
  share: number,
  ms: number
): number {
  const windows = share + ms / windowMs
  if (windows < 1) return countedIn({ current, previous }, windows)
  if (windows < 2) return countedIn({ current: 0, previous: current }, windows - 1)
  return 0
}

t.test(
  'who waits as long as he was told finds room, and nobody is told to wait longer than needed',
  async (t) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), counts, elapsed, (quota, counted, share) => {
        const ms = waitFor(quota, windowMs, counted, share)
        if (later(counted, share, ms + 0.01) > quota - 1 + 1e-6) return false
        return ms < 1 || later(counted, share, ms - 1) > quota - 1 - 1e-6
      }),
      { numRuns: 2_000 }
    )
    t.equal(waitFor(100, windowMs, { current: 99, previous: 0 }, 0.5), 0, 'with room nobody waits')
  }
)

t.test('an address is counted as its network, however it is written', async (t) => {
  t.equal(networkOf('192.0.2.1'), '192.0.2.1')
  t.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(networkOf('2001:db8:0:5:a:b:c:d'), '2001:db8:0:5::/64')
  t.equal(networkOf('2001:0DB8:0000:0005::1'), '2001:db8:0:5::/64')
  t.equal(networkOf('2001:db8::5:a:b:c:d'), '2001:db8:0:5::/64')
  t.equal(networkOf('2001:db8::'), '2001:db8:0:0::/64')
  t.equal(networkOf('::1'), '0:0:0:0::/64')
  t.equal(networkOf('::2:3:4:5:6:7:8'), '0:2:3:4::/64')
  t.equal(networkOf('64:ff9b::192.0.2.1'), '64:ff9b:0:0::/64')
  t.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
  t.equal(networkOf('no address: at all'), 'no address: at all')
})
