// Which addresses are let in: a list of networks, and the address that a request can be said to come from.
import { BlockList, isIP } from 'node:net'

/** Whether an address is on the list; null, of which nobody knows what it is, never is. */
export type AllowList = (address: string | null) => boolean

/** @param networks addresses or CIDR blocks, as the settings have checked them */
export function allowList(networks: readonly string[]): AllowList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  }
  // An IPv4 address that came over an IPv6 socket (::ffff:127.0.0.1) is looked up as what it is by BlockList itself.
  return (address) => {
    if (address === null || isIP(address) === 0) return false
    return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
}

type Asking = {
  /** The client's, as far as the proxies that are trusted say so; else the peer's. */
  ip: string
  /** From the peer to the client, when there are trusted proxies. */
  ips?: readonly string[] | undefined
  headers: { forwarded?: string | undefined; 'x-forwarded-for'?: string | string[] | undefined }
}

/**
 * Where a request comes from; null when nobody can say: it was forwarded, and not by a proxy that is trusted. A proxy
 * on this very host that TRUST_PROXY does not name would else lend its loopback address to everybody behind it.
 */
export function addressOf({ ip, ips, headers }: Asking): string | null {
  const forwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined
  const believed = ips !== undefined && ips.length > 1
  return forwarded && !believed ? null : ip
}
