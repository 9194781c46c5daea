// Where a webhook may not lead: whoever names the URL must not make this service speak to what only it can reach. Pure.
import { BlockList, isIP } from 'node:net'

// The IANA special-purpose address registries (RFC 6890 and updates): everything that is not globally reachable, and the
// ways of writing an IPv4 address in an IPv6 one.
const special = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3]
] as const) {
  special.addSubnet(network, bits, 'ipv4')
}

// Of IPv6 only what is given out to be reached (2000::/3), without its own exceptions.
const global = new BlockList()
global.addSubnet('2000::', 3, 'ipv6')
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20]
] as const) {
  special.addSubnet(network, bits, 'ipv6')
}

/** Whether an address, as a resolver gives it, is one of the public internet. */
export function isPublic(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, 'ipv4')
    case 6:
      return global.check(address, 'ipv6') && !special.check(address, 'ipv6')
    default:
      return false
  }
}

/** Why a URL is none for a webhook; null where it is one. @param insecure http and private addresses are allowed */
export function whyNot(text: string, insecure: boolean): string | null {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return 'is no URL of http'
  if (url.username !== '' || url.password !== '') return 'has a user in it'
  if (url.hash !== '') return 'has a fragment'
  if (insecure) return null
  if (url.protocol !== 'https:') return 'is not https'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && !isPublic(host)) return 'is a private address'
  if (/^localhost$|\.(?:localhost|local|internal|home\.arpa)$/i.test(host.replace(/\.$/, ''))) {
    return 'is a private name'
  }
  return null
}
