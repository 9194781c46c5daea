// Whom an address stands for. Pure.
import { isIPv6 } from 'node:net'
import { LRUCache } from 'lru-cache'

const mapped = '::ffff:'
/** Reading an IPv6 address takes microseconds, and a client sends many requests from one. */
const networks = new LRUCache<string, string>({ max: 5_000 })

/**
 * What a network address is counted as. An IPv6 customer is given a /64 at least, and could send each request from
 * another address of it: the network is counted. An IPv4 address is counted by itself, also where it comes as
 * `::ffff:192.0.2.1`.
 *
 * @param address as the socket or a trusted proxy tells it
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const known = networks.get(address)
  if (known !== undefined) return known
  const network = read(address)
  networks.set(address, network)
  return network
}

function read(address: string): string {
  if (address.startsWith(mapped) && address.includes('.')) return address.slice(mapped.length)
  return isIPv6(address) ? prefixOf(address) : address
}

// The first four of eight groups, without leading zeros, so that one network has one spelling.
function prefixOf(address: string): string {
  const gap = address.indexOf('::')
  const head = (gap === -1 ? address : address.slice(0, gap)).split(':')
  const tail = gap === -1 ? [] : address.slice(gap + 2).split(':')
  // A dotted quad at the end stands for two groups, and never reaches into the first four.
  const tailGroups = tail.length + (tail.at(-1)?.includes('.') ? 1 : 0)
  const groups: string[] = []
  for (let i = 0; i < 4; i++) {
    const fromTail = i - (8 - tailGroups)
    const group = (i < head.length ? head[i] : fromTail >= 0 ? tail[fromTail] : '') || '0'
    groups.push(Number.parseInt(group, 16).toString(16))
  }
  return `${groups.join(':')}::/64`
}
