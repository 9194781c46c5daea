// What is known of texts that come from a socket, URLs and tokens: a table of fixed size in which a newer one may take an
// older one's place. Not a Map: V8 makes each text that is looked up there one of its own table of names first, which takes
// longer than all the rest of finding it. Pure.

/**
 * Characters that are looked at to find a text's place, spread over all of it: each, where it is no longer than that twice. Ids
 * may differ in their last digits alone.
 */
const looks = 64

type Slot<Value> = { readonly text: string; readonly value: Value }

export class ByText<Value> {
  #slots: (Slot<Value> | undefined)[]
  #last: number

  /** @param most how many at most, a power of two */
  constructor(most: number) {
    this.#slots = new Array(most).fill(undefined)
    this.#last = most - 1
  }

  get(text: string): Value | undefined {
    const place = this.#placeOf(text)
    const first = this.#slots[place]
    if (first !== undefined && first.text === text) return first.value
    const second = this.#slots[place ^ 1]
    return second !== undefined && second.text === text ? second.value : undefined
  }

  /** Each text has two places. Where both are taken, what has been there longer makes room. */
  set(text: string, value: Value): void {
    const place = this.#placeOf(text)
    const first = this.#slots[place]
    if (first !== undefined && first.text !== text) this.#slots[place ^ 1] = first
    this.#slots[place] = { text, value }
  }

  #placeOf(text: string): number {
    const step = Math.max(1, Math.floor(text.length / looks))
    let hash = text.length
    for (let at = text.length - 1; at >= 0; at -= step) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
    return (hash ^ (hash >>> 15)) & this.#last
  }
}
