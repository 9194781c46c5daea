// Accept-Encoding, RFC 9110 §12.5.3. Runs on every hit, so a header seen before costs one look-up.

import type { Encoding } from '../cache/content.ts'

/** The content codings that replies are kept in, besides none. */
export type { Encoding }

/** Between codings the client likes equally: the fewest bytes for JSON of a few kilobytes first. */
const preference = ['br', 'zstd', 'gzip', 'identity'] as const satisfies readonly Encoding[]

/** Browsers send a handful of values; whatever is beyond this many comes from someone inventing them. */
const remembered = 256
const memory = new Map<string, Encoding>()
/** Mostly the one before has sent the same, and to compare texts is cheaper than to look one up. */
let last: { header: string; encoding: Encoding } = { header: '', encoding: 'identity' }

/**
 * The coding to answer with. Identity when nothing listed is known, also when the client refuses identity: the RFC
 * lets a server send it rather than fail, and no client is helped by a 406.
 */
export function negotiateEncoding(header: string | undefined): Encoding {
  if (header === undefined) return 'identity'
  if (header === last.header) return last.encoding
  let encoding = memory.get(header)
  if (encoding === undefined) {
    encoding = choose(header)
    if (memory.size >= remembered) memory.clear()
    memory.set(header, encoding)
  }
  last = { header, encoding }
  return encoding
}

function choose(header: string): Encoding {
  const weights = weightsOf(header)
  let best: Encoding = 'identity'
  // Identity is acceptable without being named, but is nobody's wish: anything named beats it.
  let bestWeight = weights.get('identity') ?? 0
  for (const encoding of preference) {
    const weight = weights.get(encoding) ?? (encoding === 'identity' ? 0 : (weights.get('*') ?? 0))
    if (weight > bestWeight || (weight === bestWeight && weight > 0 && preferred(encoding, best))) {
      best = encoding
      bestWeight = weight
    }
  }
  return best
}

function preferred(encoding: Encoding, than: Encoding): boolean {
  return preference.indexOf(encoding) < preference.indexOf(than)
}

function weightsOf(header: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const member of header.split(',')) {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim().toLowerCase())
    if (name !== '') weights.set(name === 'x-gzip' ? 'gzip' : name, weightOf(parameters))
  }
  return weights
}

/** A weight that is not one as RFC 9110 §12.4.2 writes it counts as zero: what cannot be read is not wanted. */
function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  if (weight === undefined) return 1
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0
}
