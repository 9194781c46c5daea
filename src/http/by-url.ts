// What is known of URLs: a table of fixed size in which a newer one may take an older one's place. Not a Map: V8 makes each
// text that is looked up there one of its own table of names first, which for a URL that comes from a socket takes longer
// than all the rest of finding it. Pure.

/**
 * Characters that are looked at to find a URL's place, spread over all of it: each, where it is no longer than that twice. Ids
 * may differ in their last digits alone.
 */
const looks = 64

type Slot<Value> = { readonly url: string; readonly value: Value }

export class ByUrl<Value> {
  #slots: (Slot<Value> | undefined)[]
  #last: number

  /** @param most how many at most, a power of two */
  constructor(most: number) {
    this.#slots = new Array(most).fill(undefined)
    this.#last = most - 1
  }

  get(url: string): Value | undefined {
    const place = this.#placeOf(url)
    const first = this.#slots[place]
    if (first !== undefined && first.url === url) return first.value
    const second = this.#slots[place ^ 1]
    return second !== undefined && second.url === url ? second.value : undefined
  }

  /** Each URL has two places. Where both are taken, what has been there longer makes room. */
  set(url: string, value: Value): void {
    const place = this.#placeOf(url)
    const first = this.#slots[place]
    if (first !== undefined && first.url !== url) this.#slots[place ^ 1] = first
    this.#slots[place] = { url, value }
  }

  #placeOf(url: string): number {
    const step = Math.max(1, Math.floor(url.length / looks))
    let hash = url.length
    for (let at = url.length - 1; at >= 0; at -= step) hash = (Math.imul(hash, 31) + url.charCodeAt(at)) | 0
    return (hash ^ (hash >>> 15)) & this.#last
  }
}
