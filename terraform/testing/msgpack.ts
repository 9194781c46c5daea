// MessagePack (github.com/msgpack/msgpack/blob/master/spec.md) as terraform uses it for values. Objects are maps;
// what terraform does not know yet is an extension, kept byte for byte so that it can be handed back.

/** A value of an extension type. Terraform's own: 0 for unknown, 12 for unknown with refinements. */
export class Extension {
  readonly type: number
  readonly data: Buffer
  constructor(type: number, data: Uint8Array) {
    this.type = type
    this.data = Buffer.from(data)
  }
}

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | Extension
  | readonly Value[]
  | ReadonlyMap<string, Value>

/** Known after apply. */
export const unknown = new Extension(0, Buffer.from([0]))

export const isUnknown = (value: Value): value is Extension => value instanceof Extension

export const isObject = (value: Value): value is ReadonlyMap<string, Value> => value instanceof Map

/** In the shortest form, as the specification asks. */
export function encode(value: Value): Buffer {
  if (value === null) return Buffer.of(0xc0)
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? integer(BigInt(value)) : float(value)
  if (typeof value === 'bigint') return integer(value)
  if (typeof value === 'string') {
    const bytes = Buffer.from(value)
    return Buffer.concat([head(bytes.length, 0xa0, 32, [0xd9, 0xda, 0xdb]), bytes])
  }
  if (value instanceof Extension) {
    const fixed = [1, 2, 4, 8, 16].indexOf(value.data.length)
    const start = fixed >= 0 ? Buffer.of(0xd4 + fixed) : head(value.data.length, 0, 0, [0xc7, 0xc8, 0xc9])
    return Buffer.concat([start, Buffer.of(value.type & 255), value.data])
  }
  if (Buffer.isBuffer(value)) return Buffer.concat([head(value.length, 0, 0, [0xc4, 0xc5, 0xc6]), value])
  if (isObject(value)) {
    const items = [...value].flatMap(([key, item]) => [encode(key), encode(item)])
    return Buffer.concat([head(value.size, 0x80, 16, [null, 0xde, 0xdf]), ...items])
  }
  return Buffer.concat([head(value.length, 0x90, 16, [null, 0xdc, 0xdd]), ...value.map(encode)])
}

/** @throws RangeError for bytes that end early, that go on after the value, or whose map keys are no strings */
export function decode(bytes: Uint8Array): Value {
  const reader = new Reader(bytes)
  const value = read(reader)
  if (!reader.isAtEnd) throw new RangeError('msgpack: bytes after the value')
  return value
}

/** A length below `limit` stands in the marker itself; a longer one after the marker for one, two or four bytes. */
function head(
  length: number,
  marker: number,
  limit: number,
  [one, two, four]: readonly [number | null, number, number]
): Buffer {
  if (length < limit) return Buffer.of(marker | length)
  if (one !== null && length < 2 ** 8) return Buffer.of(one, length)
  if (length < 2 ** 16) return Buffer.of(two, length >> 8, length & 255)
  const bytes = Buffer.alloc(5, four)
  bytes.writeUInt32BE(length, 1)
  return bytes
}

function integer(value: bigint): Buffer {
  const number = Number(value)
  if (number >= -32 && number < 128) return Buffer.of(number & 255)
  for (const [bits, unsigned, signed] of [
    [8, 0xcc, 0xd0],
    [16, 0xcd, 0xd1],
    [32, 0xce, 0xd2],
    [64, 0xcf, 0xd3]
  ] as const) {
    const marker = value >= 0n ? unsigned : signed
    const fits = (value >= 0n ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value)) === value
    if (!fits) continue
    const bytes = Buffer.alloc(9, marker)
    bytes.writeBigUInt64BE(BigInt.asUintN(64, value << BigInt(64 - bits)), 1)
    return bytes.subarray(0, 1 + bits / 8)
  }
  throw new RangeError(`msgpack: ${value} has more than 64 bits`)
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(9, 0xcb)
  bytes.writeDoubleBE(value, 1)
  return bytes
}

class Reader {
  readonly #bytes: Buffer
  #at = 0
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }
  take(length: number): Buffer {
    this.#at += length
    if (this.#at > this.#bytes.length) throw new RangeError('msgpack: the bytes end early')
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
  unsigned(bytes: number): number {
    return this.take(bytes).readUIntBE(0, bytes)
  }
  signed(bytes: number): number {
    return this.take(bytes).readIntBE(0, bytes)
  }
  text(length: number): string {
    return this.take(length).toString('utf8')
  }
}

function read(from: Reader): Value {
  const marker = from.unsigned(1)
  if (marker < 0x80) return marker
  if (marker < 0x90) return map(from, marker & 15)
  if (marker < 0xa0) return array(from, marker & 15)
  if (marker < 0xc0) return from.text(marker & 31)
  if (marker >= 0xe0) return marker - 256
  const form = forms.get(marker)
  if (form === undefined) throw new RangeError(`msgpack: no value begins with 0x${marker.toString(16)}`)
  return form(from)
}

const forms = new Map<number, (from: Reader) => Value>([
  [0xc0, () => null],
  [0xc2, () => false],
  [0xc3, () => true],
  [0xc4, (from) => Buffer.from(from.take(from.unsigned(1)))],
  [0xc5, (from) => Buffer.from(from.take(from.unsigned(2)))],
  [0xc6, (from) => Buffer.from(from.take(from.unsigned(4)))],
  [0xc7, (from) => extension(from, from.unsigned(1))],
  [0xc8, (from) => extension(from, from.unsigned(2))],
  [0xc9, (from) => extension(from, from.unsigned(4))],
  [0xca, (from) => from.take(4).readFloatBE()],
  [0xcb, (from) => from.take(8).readDoubleBE()],
  [0xcc, (from) => from.unsigned(1)],
  [0xcd, (from) => from.unsigned(2)],
  [0xce, (from) => from.unsigned(4)],
  [0xcf, (from) => smallest(from.take(8).readBigUInt64BE())],
  [0xd0, (from) => from.signed(1)],
  [0xd1, (from) => from.signed(2)],
  [0xd2, (from) => from.signed(4)],
  [0xd3, (from) => smallest(from.take(8).readBigInt64BE())],
  [0xd4, (from) => extension(from, 1)],
  [0xd5, (from) => extension(from, 2)],
  [0xd6, (from) => extension(from, 4)],
  [0xd7, (from) => extension(from, 8)],
  [0xd8, (from) => extension(from, 16)],
  [0xd9, (from) => from.text(from.unsigned(1))],
  [0xda, (from) => from.text(from.unsigned(2))],
  [0xdb, (from) => from.text(from.unsigned(4))],
  [0xdc, (from) => array(from, from.unsigned(2))],
  [0xdd, (from) => array(from, from.unsigned(4))],
  [0xde, (from) => map(from, from.unsigned(2))],
  [0xdf, (from) => map(from, from.unsigned(4))]
])

/** A number where that is exact. */
function smallest(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function extension(from: Reader, length: number): Extension {
  const type = from.signed(1)
  return new Extension(type, from.take(length))
}

function array(from: Reader, length: number): Value[] {
  const items: Value[] = []
  for (let item = 0; item < length; item++) items.push(read(from))
  return items
}

function map(from: Reader, length: number): Map<string, Value> {
  const items = new Map<string, Value>()
  for (let item = 0; item < length; item++) {
    const key = read(from)
    if (typeof key !== 'string') throw new RangeError('msgpack: a map key that is no string')
    items.set(key, read(from))
  }
  return items
}
