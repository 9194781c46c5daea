// Who a request is counted for, where a rough limit holds: its API key, else the network that it comes from.
import type { IncomingHttpHeaders } from 'node:http'
import { networkOf } from './address.ts'
import type { RoughCounts } from './rough.ts'

export class RoughGuard {
  #byAddress: RoughCounts
  #byApiKey: (headers: IncomingHttpHeaders) => RoughCounts | undefined

  /** @param byApiKey the counts of the key that a request brings, where it brings one of ours */
  constructor(byAddress: RoughCounts, byApiKey: (headers: IncomingHttpHeaders) => RoughCounts | undefined) {
    this.#byAddress = byAddress
    this.#byApiKey = byApiKey
  }

  countsFor(headers: IncomingHttpHeaders): RoughCounts {
    return this.#byApiKey(headers) ?? this.#byAddress
  }

  /** As what it is counted there. An API key is counted as one, wherever it is used. */
  keyIn(counts: RoughCounts, address: string): string {
    return counts === this.#byAddress ? networkOf(address) : ''
  }
}
